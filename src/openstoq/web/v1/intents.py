"""The eight intents operations of API v1, over the same signups as v2."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from pydantic import BaseModel, Field

from openstoq.actions.action import Action, Reply, Written, declared
from openstoq.actions.context import Context
from openstoq.back_in_stock.notifications import manual
from openstoq.back_in_stock.signups import actions as v2
from openstoq.back_in_stock.signups import demand, new_signups, rules, store
from openstoq.back_in_stock.signups.demand import Direction, SortBy
from openstoq.back_in_stock.signups.model import NewSignup, Signup
from openstoq.back_in_stock.signups.moves import Scope
from openstoq.back_in_stock.signups.new_signups import Added, Obstacle
from openstoq.back_in_stock.signups.optin import ask_to_confirm
from openstoq.back_in_stock.signups.projections import INTENT
from openstoq.back_in_stock.signups.store import Filter
from openstoq.errors import BadRequest, Conflict, Invalid, NotFound
from openstoq.kernel.days import Day, after, start_of
from openstoq.kernel.ids import ProductId, VariantId
from openstoq.kernel.paging import Page
from openstoq.kernel.types import Line
from openstoq.web.v1.requests import (
    CreateIntent,
    CustomerInput,
    DestroyIntents,
    IntentInput,
    NotifyIntent,
    NotifyIntents,
    TransferSignups,
)

MOST_PER_PAGE = 500
NOT_FOUND = "Intent not found"
SCOPES: dict[str, Scope] = {"unsent": "pending", "sent": "notified", "all": "all"}

PageNumber = Annotated[int, Field(ge=1, le=1_000_000)]
PageSize = Annotated[int, Field(ge=1, le=MOST_PER_PAGE)]


_UNKNOWN_VARIANT = (
    "intent.shopify_variant_id is not a variant of this shop; send the id of one it sells"
)
_OBSTACLES = {
    Obstacle.UNKNOWN_VARIANT: _UNKNOWN_VARIANT,
    Obstacle.PRODUCT_NEEDED: _UNKNOWN_VARIANT,
    Obstacle.FOR_SALE: rules.FOR_SALE,
}


async def create(
    context: Context,
    *,
    intent: IntentInput,
    customer: CustomerInput,
) -> Written[Any]:
    """Create an intent: add a shopper to the waitlist of a variant."""
    try:
        contact = rules.contact_of(
            intent.channel,
            email=customer.email,
            phone=customer.phone,
            push=customer.push,
            country=customer.country,
        )
    except rules.InvalidContactError as error:
        raise Invalid(f"customer.{error}") from error
    caller, now = context.caller, context.runtime.clock()
    new = NewSignup(
        contact=contact,
        variant_id=intent.shopify_variant_id,
        product_id=intent.shopify_product_id,
        market_id=(
            customer.shopify_market_id
            if intent.shopify_market_id is None
            else intent.shopify_market_id
        ),
        quantity=intent.quantity,
        source=intent.source,
        name=customer.name,
        locale=customer.locale,
        country=customer.country,
        accepts_marketing=customer.accepts_marketing,
        # A stranger's claim to be a customer proves nothing. The id of a logged-in customer comes
        # from Shopify's signature.
        shopify_customer_id=(
            caller.customer_id if caller.is_stranger else customer.shopify_customer_id
        ),
    )
    added = await new_signups.add(
        context.db,
        context.shop_id,
        new,
        projection=INTENT,
        now=now,
        vouched=not caller.is_stranger,
        along=context.take_record(),
        alone=context.is_alone,
    )
    if added.obstacle is Obstacle.UNKNOWN_MARKET:
        named_by = "intent" if intent.shopify_market_id is not None else "customer"
        raise Invalid(
            f"{named_by}.shopify_market_id is not a market of this shop; leave it out, or send the "
            "id of one it has"
        )
    if added.obstacle is not None:
        raise Invalid(_OBSTACLES[added.obstacle])
    if not added.is_new:
        raise Invalid("You have already signed up for this product")
    if added.asks:
        ask_to_confirm(context, added.id)
    json = added.json or orjson.dumps(_as_sent(added, new, context.shop_id, now)).decode()
    return Written(f'{{"intents":[{json}],"errors":[]}}'.encode())


def _as_sent(added: Added, new: NewSignup, shop_id: UUID, now: datetime) -> dict[str, Any]:
    """Return a new intent as a stranger may see it: the values they sent and the id of the signup.

    The response must not reveal whether the contact was already known. So `customer_id` is the
    signup's id, and `optin_confirmed` only shows whether the shop asks every new contact to
    confirm.
    """
    contact, moment = new.contact, f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{now:%f}"[:23] + "Z"
    return {
        "id": str(added.id),
        "blocked_at": None,
        "channel": contact.channel,
        "email": contact.address if contact.channel == "email" else "",
        "notified_at": None,
        "optin_confirmed": not added.asks,
        "phone": contact.address if contact.channel == "sms" else None,
        "quantity": new.quantity,
        "sent_notifications_count": 0,
        "source": new.source,
        "type": "restock",
        "unsubscribed_at": None,
        "created_at": moment,
        "updated_at": moment,
        "customer_id": str(added.id),
        "intent_trigger_id": None,
        "product_variant_id": None,
        "shop_id": str(shop_id),
        "shopify_inventory_item_id": None,
        "shopify_market_id": added.market_id,
        "shopify_product_id": new.product_id,
        "shopify_variant_id": new.variant_id,
        "customer_name": new.name,
        "contact": contact.address,
        "customer_unsubscribed_at": None,
        "accepts_marketing": new.accepts_marketing,
        "notifications_count": 0,
    }


async def read(context: Context, intent_id: str) -> Written[Any]:
    """Read one intent."""
    signup = await _load(context, intent_id, lock=False)
    json = await store.view(context.db, context.shop_id, signup.id, projection=INTENT)
    return Written((json or "null").encode())


async def list_intents(
    context: Context,
    *,
    shopify_variant_id: VariantId | None = None,
    shopify_product_id: ProductId | None = None,
    email: Line | None = None,
    phone: Line | None = None,
    start_date: Day | None = None,
    end_date: Day | None = None,
    notified: bool | None = None,
    page: PageNumber = 1,
    per_page: PageSize = 25,
) -> Written[Any]:
    """List intents, newest first."""
    wanted = Filter(
        variant_id=shopify_variant_id,
        product_id=shopify_product_id,
        email=email,
        phone=phone,
        since=start_of(start_date, context.shop.timezone),
        before=after(end_date, context.shop.timezone),
        notified=notified,
    )
    asked = Page(page, per_page)
    json, total = await store.page(context.db, context.shop_id, wanted, asked, projection=INTENT)
    return Written(f'{{"intents":{json},"meta":{asked.meta(total).model_dump_json()}}}'.encode())


async def products_in_demand(
    context: Context,
    *,
    start_date: Day | None = None,
    end_date: Day | None = None,
    sort_by: SortBy = "pending",
    direction: Direction = "desc",
    page: PageNumber = 1,
    per_page: PageSize = 25,
    intent_type: Line | None = None,  # noqa: ARG001 - documented; all intents are restock ones
) -> Written[Any]:
    """Report the variants that shoppers are waiting for."""
    json, more = await demand.by_variant(
        context.db,
        context.shop_id,
        since=start_of(start_date, context.shop.timezone),
        before=after(end_date, context.shop.timezone),
        sort_by=sort_by,
        direction=direction,
        page=Page(page, per_page),
    )
    flags = f'"has_next_page":{str(more).lower()},"has_prev_page":{str(page > 1).lower()}'
    return Written(
        f'{{"product_variants_in_demand":{json},"page":{page},"per_page":{per_page},{flags}}}'.encode()
    )


async def bulk_destroy(context: Context, *, intent_ids: list[str]) -> dict[str, Any]:
    """Delete intents; delete none if the notification of any of them was already sent."""
    found = await store.load(context.db, context.shop_id, _uuids(intent_ids), lock=True)
    if not found:
        raise NotFound("No valid intents found")
    sent = [signup.id for signup in found if rules.undeletable(signup) is not None]
    if sent:
        raise Invalid(
            "Cannot delete intents that have already been sent",
            sent_intent_ids=[str(one) for one in sent],
        )
    await store.delete(context.db, context.shop_id, [signup.id for signup in found])
    return {"success": True, "deleted_count": len(found)}


async def notify_intent(context: Context, *, id: str, allow_resend: bool) -> dict[str, Any]:
    """Send the notification of one intent now."""
    signup = await _load(context, id, lock=True)
    obstacle = rules.refusal(signup, allow_resend=allow_resend)
    if obstacle is not None:
        raise Conflict(obstacle)
    await manual.start(context, [signup])
    return {"success": True, "intent_id": str(signup.id)}


async def bulk_notify_intent(
    context: Context, *, intent_ids: list[str], allow_resend: bool
) -> Reply[dict[str, Any]]:
    """Send the notifications of many intents now; a failing one does not affect the others."""
    ids = _uuids(intent_ids)
    outcome = await v2.notify_many(context, ids, allow_resend=allow_resend)
    known = {str(one) for one in ids}
    found = {signup.id for signup in await store.load(context.db, context.shop_id, ids, lock=False)}
    failed = [
        {
            "intent_id": str(failure.signup_id),
            "error": failure.error if failure.signup_id in found else NOT_FOUND,
        }
        for failure in outcome.failed
    ]
    failed += [
        {"intent_id": text, "error": NOT_FOUND}
        for text in dict.fromkeys(intent_ids)
        if text.lower() not in known
    ]
    body = {"success": [str(one) for one in outcome.success], "failed": failed}
    return Reply(body, 207 if failed else 200)


async def transfer_signups(
    context: Context,
    *,
    from_shopify_variant_id: int,
    from_shopify_product_id: int,
    to_shopify_variant_id: int,
    to_shopify_product_id: int,
    intent_type: str,
) -> dict[str, Any]:
    """Move intents to another variant."""
    if from_shopify_variant_id == to_shopify_variant_id:
        raise BadRequest(v2.SAME_VARIANT)
    try:
        moved = await v2.transfer(
            context,
            from_shopify_variant_id=from_shopify_variant_id,
            from_shopify_product_id=from_shopify_product_id,
            to_shopify_variant_id=to_shopify_variant_id,
            to_shopify_product_id=to_shopify_product_id,
            scope=SCOPES[intent_type],
        )
    except Invalid as invalid:
        # The reference has its own shape for a transfer that fails.
        raise Conflict(*invalid.messages) from invalid
    return {"success": True, **moved.model_dump()}


async def _load(context: Context, intent_id: str, *, lock: bool) -> Signup:
    try:
        return await v2.load(context, intent_id, lock=lock)
    except NotFound:
        raise NotFound(NOT_FOUND) from None


def _uuids(texts: list[str]) -> list[UUID]:
    ids = []
    for text in texts:
        try:
            ids.append(UUID(text))
        except ValueError:
            continue
    return ids


def _operation(
    handler: Any,
    method: Any,
    path: str,
    *,
    status: int = 200,
    request: type[BaseModel] | None = None,
    single_statement: bool = False,
) -> Action:
    return declared(
        handler,
        name=f"v1.intents.{handler.__name__}",
        method=method,
        path=f"/intents{path}",
        status=status,
        request=request,
        single_statement=single_statement,
    )


CREATE = _operation(create, "POST", "", status=201, request=CreateIntent, single_statement=True)
DESTROY = _operation(bulk_destroy, "DELETE", "/bulk_destroy", request=DestroyIntents)
NOTIFY = _operation(notify_intent, "POST", "/notify_intent", request=NotifyIntent)
TRANSFER = _operation(transfer_signups, "POST", "/transfer_signups", request=TransferSignups)
OPERATIONS = (
    _operation(list_intents, "GET", ""),
    _operation(products_in_demand, "GET", "/products_in_demand"),
    DESTROY,
    NOTIFY,
    _operation(bulk_notify_intent, "POST", "/bulk_notify_intent", request=NotifyIntents),
    TRANSFER,
    _operation(read, "GET", "/{id}"),
)
