"""API v1 over HTTP: route the paths, admit the callers, and read the requests."""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openstoq.actions.action import WRITE_COST, Action
from openstoq.actions.admission import admit, admit_forwarded, admit_signup, check_shop
from openstoq.actions.context import Caller
from openstoq.actions.dispatch import Call, dispatch
from openstoq.actions.records import Answer
from openstoq.errors import BadRequest, Invalid, Problem
from openstoq.jobs.work import Runtime
from openstoq.shops.keys import is_key, key_in
from openstoq.web import responses
from openstoq.web.requests import pairs_of, shop_named_by, shops_of, values_of, visitor_of
from openstoq.web.v1 import intents, plan_variants, selling_plans, shipping_updates
from openstoq.web.v1.errors import refused
from openstoq.web.v1.intents import CREATE
from openstoq.web.v1.policy_answer import with_policy

# The reference names both forms.
PREFIXES = ("/api/v1", "/api/v1/external")

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, X-Shopify-Shop-Domain, Idempotency-Key",
    "Access-Control-Max-Age": "86400",
}

OPERATIONS = (*intents.OPERATIONS, *selling_plans.OPERATIONS, *shipping_updates.OPERATIONS)

# Fields in which integrations name the shop in a body, although the reference has no such field.
_SHOPS = frozenset(
    {"shop", "domain", "shopdomain", "shopurl", "myshopifydomain", "shopifydomain"}
    | {"shopifyshopdomain", "xshopifyshopdomain", "permanentdomain"}
)
_SEPARATORS = re.compile(r"[-_ ]")
_DEEPEST_SHOP = 3

_LISTS = frozenset({"shopify_variant_ids", "intent_ids"})

Endpoint = Callable[[Request], Awaitable[Response]]


def routes(runtime: Runtime) -> list[Route]:
    """Return the routes of every operation, one for each form of its path."""
    made: list[Route] = []
    for prefix in PREFIXES:
        # The route with .json comes first, because an {id} would also match text that ends so.
        for ending in (".json", ""):
            signup = f"{prefix}/intents{ending}"
            made.append(Route(signup, _create(runtime), methods=["POST"]))
            made.append(Route(signup, _preflight, methods=["OPTIONS"]))
            made += [
                Route(
                    prefix + operation.path + ending,
                    _keyed(runtime, operation),
                    methods=[operation.method],
                )
                for operation in OPERATIONS
            ]
    return made


def _keyed(runtime: Runtime, operation: Action) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        _name(request, operation)
        try:
            caller = await admit(
                runtime, key_in(request.headers), cost=operation.cost, named=shops_of(request)
            )
            request.state.points = caller.points
            answer = await _dispatch(runtime, operation, caller, request)
            if operation is plan_variants.REMOVE:
                answer = await with_policy(runtime, caller.shop.id, answer)
            return _answered(answer)
        except Problem as problem:
            return refused(problem, operation)

    return endpoint


def _create(runtime: Runtime) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        _name(request, CREATE)
        try:
            caller = await _admitted(runtime, request)
            request.state.points = caller.points
            response = _answered(await _dispatch(runtime, CREATE, caller, request))
        except Invalid as invalid:
            # The reference documents 200 with the problems for a complete form.
            response = responses.json({"errors": invalid.messages})
        except Problem as problem:
            response = refused(problem, CREATE)
        response.headers.update(CORS)
        return response

    return endpoint


async def _admitted(runtime: Runtime, request: Request) -> Caller:
    """Admit the caller of a sign-up: the holder of a key, Shopify's app proxy, or a stranger."""
    key = key_in(request.headers)
    # A headless shop may send its customer's token as a bearer; X-Auth-Token only ever holds ours.
    if key and (is_key(key) or "x-auth-token" in request.headers):
        return await admit(runtime, key, cost=WRITE_COST, named=shops_of(request))
    query = pairs_of(request.scope)
    if any(name == "signature" for name, _ in query):
        caller = await admit_forwarded(runtime, query, visitor=visitor_of(request))
        check_shop(caller.shop, shops_of(request))
        return caller
    address = request.client.host if request.client else "unknown"
    caller = await admit_signup(runtime, shop_named_by(request), address=address)
    check_shop(caller.shop, shops_of(request))
    return caller


def _name(request: Request, operation: Action) -> None:
    request.state.face, request.state.action = "v1", operation.name


async def _preflight(_: Request) -> Response:
    # Listing needs a key, so CORS allows browsers on a shop's pages only to sign up.
    return Response(status_code=204, headers={"Allow": "GET, HEAD, OPTIONS, POST", **CORS})


async def _dispatch(
    runtime: Runtime, operation: Action, caller: Caller, request: Request
) -> Answer:
    sent = await _sent(operation, request)
    if isinstance(sent, bytes):
        _check_body(operation, sent, caller)
    return await dispatch(
        runtime,
        Call(
            action=operation,
            caller=caller,
            path=dict(request.path_params),
            sent=sent,
            request_id=request.state.request_id,
            face="v1",
            idempotency_key=request.headers.get("idempotency-key"),
        ),
    )


async def _sent(operation: Action, request: Request) -> bytes | dict[str, Any]:
    """Return the body of a write, or the query's values for a read.

    A DELETE may send its values in either; the query is used if the body is empty.
    """
    body = await request.body() if operation.writes else b""
    if body.strip() or operation.method not in ("GET", "DELETE"):
        return body
    # As in a body, names that v1 does not know are ignored, however often they are given. A name
    # may have brackets, whether its value is a list or not.
    known = set(operation.request.model_fields) if operation.request is not None else set()
    named = ((name.removesuffix("[]"), value) for name, value in pairs_of(request.scope))
    return values_of((pair for pair in named if pair[0] in known), lists=_LISTS)


def _check_body(operation: Action, body: bytes, caller: Caller) -> None:
    """Raise BadRequest if a body names another shop, or a sign-up lacks `intent` or `customer`.

    Other problems of a body are reported when its values are read.
    """
    try:
        form = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if operation is CREATE:
            raise BadRequest(f"the body is not valid JSON: {error}") from error
        return
    if not isinstance(form, Mapping):
        if operation is CREATE:
            raise BadRequest("the body must be a JSON object")
        return
    parts = ("intent", "customer") if operation is CREATE else ()
    missing = [name for name in parts if not isinstance(form.get(name), Mapping)]
    if missing:
        raise BadRequest(*(f"{name} is required and must be an object" for name in missing))
    check_shop(caller.shop, _named_in(form))


def _named_in(form: Mapping[str, Any], depth: int = 0) -> Iterator[object]:
    """Yield every shop that a body names, from all fields that may contain a shop's domain."""
    for name, value in form.items():
        if isinstance(value, Mapping) and depth < _DEEPEST_SHOP:
            yield from _named_in(value, depth + 1)
        elif _SEPARATORS.sub("", name).lower() in _SHOPS:
            yield from value if isinstance(value, list) else (value,)


def _answered(answer: Answer) -> Response:
    replayed = {"Idempotent-Replayed": "true"} if answer.replayed else {}
    return responses.json_bytes(answer.body, answer.status, replayed)
