"""The single code path by which every face, such as v2 or MCP, runs an action."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import orjson
import structlog
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from openstoq.actions import records
from openstoq.actions.action import Action, Reply, Written
from openstoq.actions.context import Caller, Context
from openstoq.actions.records import Answer
from openstoq.actions.validation import remainder
from openstoq.db.pool import Connection
from openstoq.db.single_statement import NeedsTransactionError, SingleStatement
from openstoq.db.statement import Statement
from openstoq.db.transient import COLLISIONS
from openstoq.errors import Invalid, NotFound
from openstoq.jobs.work import Runtime
from openstoq.kernel.days import in_zone

LONGEST_IDEMPOTENCY_KEY = 255
ATTEMPTS = 3

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request for an action, by an admitted caller.

    `sent` is a JSON body as bytes, or the values of a query or of a tool call.
    """

    action: Action
    caller: Caller
    path: Mapping[str, str]
    sent: bytes | Mapping[str, Any]
    request_id: str
    face: str
    idempotency_key: str | None = None
    dry_run: bool = False


class _RolledBack(Exception):  # noqa: N818 - carries a dry run's answer out of its transaction
    def __init__(self, answer: Answer) -> None:
        self.answer = answer


async def dispatch(runtime: Runtime, call: Call) -> Answer:
    """Validate, load, run, record and commit; raise a Problem when the call cannot be carried out.

    A call is one transaction: its changes, its audit row, its stored response and its jobs are
    committed together, or none of them is. An action with `single_statement` can do without BEGIN
    and COMMIT, because its only statement commits at once. Even such an action needs them for a dry
    run, for an idempotency key, and to enqueue a job. If PostgreSQL aborts a call in favour of
    another, as it does in a deadlock, the call is retried.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return await _once(runtime, call)
        except COLLISIONS as error:
            log.warning("request.retried", action=call.action.name, error=repr(error))
    return await _once(runtime, call)


async def _once(runtime: Runtime, call: Call) -> Answer:
    try:
        request = call.action.read(call.sent)
    except Invalid as invalid:
        others = await _other_problems(runtime, call)
        raise Invalid(*dict.fromkeys([*invalid.messages, *others])) from invalid
    tried = (call.action.name, call.caller.shop.id)
    if _may_run_alone(runtime, call) and tried not in runtime.in_transactions:
        try:
            return await _run_alone(runtime, call, request)
        except NeedsTransactionError:
            runtime.in_transactions.add(tried)
    try:
        async with _context(runtime, call) as context:
            if not call.action.writes:
                return await _answer(context, call, request)
            answer = await _write(context, call, request)
            if not context.effects:
                runtime.in_transactions.discard(tried)
            return answer
    except _RolledBack as rolled_back:
        return rolled_back.answer


@asynccontextmanager
async def _context(runtime: Runtime, call: Call) -> AsyncIterator[Context]:
    seconds = None if call.action.writes else runtime.settings.database.read_seconds
    async with runtime.database.transaction(call.caller.shop.id, seconds=seconds) as db:
        yield Context(
            runtime=runtime,
            db=db,
            shop_id=call.caller.shop.id,
            request_id=call.request_id,
            caller=call.caller,
        )


def _may_run_alone(runtime: Runtime, call: Call) -> bool:
    is_plain = call.idempotency_key is None and not call.dry_run
    return call.action.single_statement and is_plain and runtime.database.keeps_sessions


async def _run_alone(runtime: Runtime, call: Call, request: BaseModel) -> Answer:
    shop_id = call.caller.shop.id
    context = Context(
        runtime=runtime,
        db=cast("Connection", SingleStatement(runtime.database, shop_id)),
        shop_id=shop_id,
        request_id=call.request_id,
        caller=call.caller,
        is_alone=True,
    )
    context.record = _record(context, call, request)
    answer = await _answer(context, call, request)
    if context.take_record() is not None or context.effects:
        raise RuntimeError(
            f"{call.action.name} needs a transaction; it must say so in its statement"
        )
    return answer


def _record(context: Context, call: Call, request: BaseModel) -> Statement:
    return records.audit_row(
        context.shop_id,
        at=context.runtime.clock(),
        actor=call.caller.actor,
        action=call.action.name,
        target="/".join(call.path.values()) or None,
        request_id=call.request_id,
        arguments=request.model_dump(mode="json", exclude_unset=True, by_alias=True),
    )


async def _other_problems(runtime: Runtime, call: Call) -> list[str]:
    """Return the problems of a refused request, except those of its unreadable fields."""
    action = call.action
    if action.request is None or action.load is None or action.check is None:
        return []
    rest = remainder(action.request, call.sent)
    if rest is None:
        return []
    readable, unread = rest
    try:
        async with _context(runtime, call) as context:
            subject = await action.load(context, *call.path.values(), lock=False)
    except NotFound:
        return []
    return action.check(subject, _arguments(action, readable)["changes"], unread)


async def _write(context: Context, call: Call, request: BaseModel) -> Answer:
    key, print_of_it = None, b""
    if call.idempotency_key is not None:
        print_of_it = _fingerprint(call.idempotency_key, call)
        key = _scoped(call.idempotency_key, call, print_of_it)
        stored = await records.stored_answer(context.db, context.shop_id, key, print_of_it)
        if stored is not None:
            return stored
    context.record = _record(context, call, request)
    answer = await _answer(context, call, request)
    if call.dry_run:
        raise _RolledBack(_with_effects(answer, context))
    record = context.take_record()
    if record is not None:
        await context.db.execute(record.text, *record.parameters)
    await context.flush()
    if key is not None:
        await records.store_answer(context.db, context.shop_id, key, print_of_it, answer)
    return answer


async def _answer(context: Context, call: Call, request: BaseModel) -> Answer:
    action = call.action
    subject = tuple(call.path.values())
    if action.load is not None:
        # The first id in the path is the id of the owner; further ids name parts of the owner.
        loaded = await action.load(context, *subject[:1], lock=action.writes)
        subject = (loaded, *subject[1:])
    view = await action.handler(context, *subject, **_arguments(action, request))
    status = action.status
    if isinstance(view, Reply):
        view, status = view.view, view.status
    if isinstance(view, Written):
        return Answer(status, view.json)
    zone = in_zone(context.shop.timezone)
    return Answer(status, action.response.dump_json(view, by_alias=True, context=zone))


def _arguments(action: Action, request: BaseModel) -> dict[str, Any]:
    if action.partial:
        return {"changes": request.model_dump(mode="json", exclude_unset=True)}
    return {name: getattr(request, name) for name in type(request).model_fields}


def _fingerprint(key: str, call: Call) -> bytes:
    if not 0 < len(key) <= LONGEST_IDEMPOTENCY_KEY or not key.isprintable():
        raise Invalid(
            f"Idempotency-Key must be 1 to {LONGEST_IDEMPOTENCY_KEY} printable characters"
        )
    body = call.sent if isinstance(call.sent, bytes) else orjson.dumps(call.sent, default=str)
    return records.fingerprint(call.action.name, call.path, body)


def _scoped(key: str, call: Call, print_of_it: bytes) -> str:
    """Return the idempotency key, made unique to its caller and to this face.

    Several strangers may share an address, so for a stranger the request is part of the key.
    Otherwise two strangers could use the same key, and one would get the other's response or an
    error.
    """
    caller = call.caller
    owner = f"{caller.bucket}:{print_of_it.hex()}" if caller.is_stranger else caller.actor
    return f"{call.face}:{owner}:{key}"


def _with_effects(answer: Answer, context: Context) -> Answer:
    body = orjson.loads(answer.body)
    body["effects"] = [
        {"job": effect.job, "arguments": to_jsonable_python(effect.arguments)}
        for effect in context.effects
    ]
    return Answer(answer.status, orjson.dumps(body))
