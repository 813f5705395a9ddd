"""The response to remove_variant, completed with whether the shop has the inventory policy."""

import asyncio
from dataclasses import replace
from uuid import UUID

import orjson

from openstoq.actions.records import Answer
from openstoq.jobs.work import Runtime
from openstoq.preorders.offers.storefront import policies
from openstoq.preorders.offers.storefront.policies import PolicyState
from openstoq.web.v1.plan_variants import policy_of

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.5
NOT_YET = "the shop has not taken it yet; it is set as soon as the shop does"


async def with_policy(runtime: Runtime, shop_id: UUID, answer: Answer) -> Answer:
    """Return the response to remove_variant, saying whether the requested policy is set now.

    A job sets the policy, and it starts only once the removal is committed. So this function waits
    for the job, for as long as the settings allow. It does not wait if no policy was requested.
    """
    removed = orjson.loads(answer.body)
    named = removed.get("inventory_policy")
    if named is None:
        return answer
    ids: list[int] = removed["variants_removed"]
    state = await _settled(runtime, shop_id, policy_of(named), ids)
    if state.is_set:
        removed["inventory_policy_updated"] = True
    else:
        reason = "; ".join(f"{one}: {said}" for one, said in state.refused.items()) or NOT_YET
        removed["message"] += f", but the inventory policy is not {named}: {reason}"
    return replace(answer, body=orjson.dumps(removed))


async def _settled(runtime: Runtime, shop_id: UUID, policy: str, ids: list[int]) -> PolicyState:
    """Wait until the shop has set or refused the policy of each variant; return the outcome.

    If the time is up or the server stops, the state at that moment is returned.
    """
    pause, left = _FIRST_PAUSE, runtime.settings.http.policy_seconds
    while True:
        async with runtime.database.transaction(shop_id) as db:
            state = await policies.state_of(db, shop_id, policy, ids)
        if not state.is_pending or left <= 0 or runtime.stopping.is_set():
            return state
        await asyncio.sleep(min(pause, left))
        left -= pause
        pause = min(pause * 2, _LONGEST_PAUSE)
