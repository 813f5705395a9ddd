"""Complete the response to remove_variant: report whether the shop has the inventory policy."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from uuid import UUID

import orjson
import structlog

from openstoq.actions.records import Answer
from openstoq.catalog.unknown_ids import MOST_NAMED
from openstoq.jobs.work import Runtime
from openstoq.preorders.offers.storefront import policies
from openstoq.preorders.offers.storefront.policies import PolicyState
from openstoq.web.v1.plan_variants import policy_of

log = structlog.get_logger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.5
NOT_YET = "the shop has not taken it yet; it is set as soon as the shop does"
_UNKNOWN = PolicyState(is_pending=True, is_set=False, refused={})


async def with_policy(runtime: Runtime, shop_id: UUID, answer: Answer) -> Answer:
    """Return the response to remove_variant, saying whether the requested policy is set now.

    A job sets the policy, and it starts only once the removal is committed. So this function waits
    for the job, for as long as the settings allow. It does not wait if no policy was requested. An
    error while waiting is only logged: a response with an error would say that nothing was removed.
    """
    removed = orjson.loads(answer.body)
    named = removed.get("inventory_policy")
    if named is None:
        return answer
    ids: list[int] = removed["variants_removed"]
    try:
        state = await _settled(runtime, shop_id, policy_of(named), ids)
    except Exception:
        log.exception("policy.unknown")
        state = _UNKNOWN
    if state.is_set:
        removed["inventory_policy_updated"] = True
    else:
        reason = _reasons(state.refused) or NOT_YET
        removed["message"] += f", but the inventory policy is not {named}: {reason}"
    return replace(answer, body=orjson.dumps(removed))


def _reasons(refused: Mapping[int, str]) -> str:
    """Return why the shop refused the policy; of very many variants, only the first are named."""
    reasons = [f"{one}: {said}" for one, said in islice(refused.items(), MOST_NAMED)]
    more = len(refused) - MOST_NAMED
    return "; ".join([*reasons, f"and {more} more variants"] if more > 0 else reasons)


async def _settled(runtime: Runtime, shop_id: UUID, policy: str, ids: list[int]) -> PolicyState:
    """Wait until the shop has set or refused the policy of each variant; return the outcome.

    If the time is up or the server stops, the state at that moment is returned.
    """
    loop = asyncio.get_running_loop()
    pause, ends_at = _FIRST_PAUSE, loop.time() + runtime.settings.http.policy_seconds
    while True:
        async with runtime.database.transaction(shop_id) as db:
            state = await policies.state_of(db, shop_id, policy, ids)
        left = ends_at - loop.time()
        if not state.is_pending or left <= 0 or runtime.stopping.is_set():
            return state
        with suppress(TimeoutError):
            await asyncio.wait_for(runtime.stopping.wait(), min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE)
