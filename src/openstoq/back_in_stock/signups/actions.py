"""The eight documented actions on signups, and one of our own: unblock."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from openstoq.actions.action import ActionSet, Reply, Written
from openstoq.actions.context import Context
from openstoq.actions.requirements import AnyOf, Needed
from openstoq.back_in_stock.notifications import due, manual
from openstoq.back_in_stock.signups import blocks, moves, new_signups, rules, store
from openstoq.back_in_stock.signups.blocks import BlockFilter
from openstoq.back_in_stock.signups.model import (
    BulkDeleted,
    BulkNotified,
    Channel,
    Deleted,
    Failed,
    NewSignup,
    Signup,
    SignupPage,
    SignupView,
    Status,
    Transferred,
    Unblocked,
)
from openstoq.back_in_stock.signups.moves import Scope
from openstoq.back_in_stock.signups.new_signups import Obstacle
from openstoq.back_in_stock.signups.optin import ask_to_confirm
from openstoq.back_in_stock.signups.projections import SIGNUP
from openstoq.back_in_stock.signups.store import Filter
from openstoq.errors import Conflict, Invalid, NotFound
from openstoq.kernel.days import Day, after, start_of
from openstoq.kernel.ids import ProductId, VariantId
from openstoq.kernel.paging import Page
from openstoq.kernel.types import Line, Quantity

MOST_AT_ONCE = 1000
SAME_VARIANT = "to_shopify_variant_id must be another variant than from_shopify_variant_id"
_WHICH = "say which signups: by signup_ids, reason, from or to, or by all: true alone"
SignupIds = Annotated[list[UUID], Field(min_length=1, max_length=MOST_AT_ONCE)]


async def load(context: Context, signup_id: str, *, lock: bool) -> Signup:
    """Load a signup of the caller's shop; raise NotFound if the shop has no signup with that id."""
    try:
        found = await store.load(context.db, context.shop_id, [UUID(signup_id)], lock=lock)
    except ValueError:
        found = []
    if not found:
        raise NotFound(f"no signup with the id {signup_id} in this shop")
    return found[0]


_OBSTACLES = {
    Obstacle.UNKNOWN_VARIANT: "shopify_variant_id is not a variant of this shop; send the id of one "
    "it sells",
    Obstacle.PRODUCT_NEEDED: "shopify_product_id is required: the catalogue does not have this "
    "variant (yet)",
}

signups = ActionSet("back_in_stock.signups", "/back_in_stock/signups", load=load)


@signups.get(
    name="list",
    aliases=("show the waitlist", "who's waiting", "list intents", "find a signup by email"),
)
async def list_signups(
    context: Context,
    *,
    channel: Channel | None = None,
    status: Status | None = None,
    variant_id: VariantId | None = None,
    product_id: ProductId | None = None,
    email: Line | None = None,
    phone: Line | None = None,
    from_: Annotated[Day | None, Field(alias="from")] = None,
    to: Day | None = None,
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1,
    per_page: Annotated[int, Field(ge=1, le=200)] = 50,
) -> Written[SignupPage]:
    """List back-in-stock signups (the waitlist) of the shop, newest first.

    If several statuses apply to a signup, status is the first of unsubscribed, notified, blocked,
    orphaned (its variant was deleted: transfer moves it to another) and pending. email and phone match
    parts of the signup's contact or of its customer's; if very many match, total_count only counts to
    the first signup after the page. from and to are inclusive.
    """
    wanted = Filter(
        channel=channel,
        status=status,
        variant_id=variant_id,
        product_id=product_id,
        email=email,
        phone=phone,
        since=start_of(from_, context.shop.timezone),
        before=after(to, context.shop.timezone),
    )
    asked = Page(page, per_page)
    json, total = await store.page(context.db, context.shop_id, wanted, asked, projection=SIGNUP)
    return Written(f'{{"signups":{json},"meta":{asked.meta(total).model_dump_json()}}}'.encode())


@signups.post(
    aliases=("sign up a customer", "add to the waitlist", "subscribe to a variant"),
    requires=(
        Needed("email", rules.NO_EMAIL, when="channel", values=("email",)),
        Needed("phone", rules.NO_PHONE, when="channel", values=("sms",)),
    ),
    single_statement=True,
)
async def create(
    context: Context,
    *,
    channel: Literal["email", "sms"],
    shopify_variant_id: VariantId,
    quantity: Quantity = 1,
    shopify_product_id: ProductId | None = None,
    email: Line | None = None,
    phone: Line | None = None,
    name: Line | None = None,
) -> Written[SignupView]:
    """Create a back-in-stock signup: put a customer on the waitlist of a variant.

    email is required for the email channel, phone for sms. If the catalogue knows the variant, its
    product replaces shopify_product_id. 409 if the same contact is already waiting for the variant
    on that channel, or if the variant is in stock. 422 if the shop has no such variant.
    """
    try:
        contact = rules.contact_of(channel, email=email, phone=phone)
    except rules.InvalidContactError as error:
        raise Invalid(str(error)) from error
    added = await new_signups.add(
        context.db,
        context.shop_id,
        NewSignup(
            contact=contact,
            variant_id=shopify_variant_id,
            product_id=shopify_product_id,
            quantity=quantity,
            source="api",
            name=name,
        ),
        projection=SIGNUP,
        now=context.runtime.clock(),
        vouched=True,
        along=context.take_record(),
        alone=context.is_alone,
    )
    if added.obstacle is Obstacle.FOR_SALE:
        raise Conflict(rules.FOR_SALE)
    if added.obstacle is not None:
        raise Invalid(_OBSTACLES[added.obstacle])
    if added.json is None:
        raise Conflict(
            "this contact waits for this variant on this channel already; delete that signup to "
            "replace it"
        )
    if added.asks:
        ask_to_confirm(context, added.id)
    return Written(added.json.encode())


@signups.get("/{id}", aliases=("show a signup", "read an intent"))
async def read(context: Context, signup: Signup) -> Written[SignupView]:
    """Read one back-in-stock signup."""
    return await _view(context, signup)


@signups.delete("/{id}", aliases=("remove from the waitlist", "remove a signup"))
async def delete(context: Context, signup: Signup) -> Deleted:
    """Delete a pending back-in-stock signup: take a customer off the waitlist.

    409 if the signup was already notified.
    """
    obstacle = rules.undeletable(signup)
    if obstacle is not None:
        raise Conflict(obstacle)
    await store.delete(context.db, context.shop_id, [signup.id])
    return Deleted(id=signup.id, deleted=True)


@signups.post("/{id}/notify", aliases=("notify now", "send the alert now", "resend the alert"))
async def notify(
    context: Context, signup: Signup, *, allow_resend: bool = False
) -> Written[SignupView]:
    """Send the back-in-stock notification for one signup now, regardless of stock.

    409 if the signup was already notified and allow_resend is not set, if nobody can open the
    product, or if the channel is off.
    """
    obstacle = rules.refusal(signup, allow_resend=allow_resend)
    if obstacle is not None:
        raise Conflict(obstacle)
    await manual.start(context, [signup])
    return await _view(context, signup)


@signups.post("/bulk_delete", aliases=("clear signups", "delete many signups"))
async def bulk_delete(context: Context, *, signup_ids: SignupIds) -> BulkDeleted:
    """Delete up to 1000 pending back-in-stock signups at once.

    All or nothing: if any were already notified, nothing is deleted and the 422 response names
    them.
    """
    found = await _load_many(context, signup_ids)
    obstacles = [(signup.id, rules.undeletable(signup)) for signup in found]
    problems = [f"signup {one}: {obstacle}" for one, obstacle in obstacles if obstacle]
    if problems:
        raise Invalid(*problems)
    await store.delete(context.db, context.shop_id, [signup.id for signup in found])
    return BulkDeleted(deleted_count=len(found))


@signups.post(
    "/bulk_notify",
    status=200,
    partly=207,
    aliases=("notify many", "send alerts to these signups"),
)
async def bulk_notify(
    context: Context, *, signup_ids: SignupIds, allow_resend: bool = False
) -> Reply[BulkNotified]:
    """Send back-in-stock notifications for up to 1000 signups at once.

    Signups are handled independently: the status is 200 if all of them are being notified, or 207
    if some are not, with a reason for each. Signups that were already notified fail unless
    allow_resend is set.
    """
    outcome = await notify_many(context, signup_ids, allow_resend=allow_resend)
    return Reply(outcome, 207 if outcome.failed else 200)


@signups.post("/transfer", aliases=("move signups", "merge variants", "replace a variant"))
async def transfer(
    context: Context,
    *,
    from_shopify_variant_id: VariantId,
    to_shopify_variant_id: VariantId,
    to_shopify_product_id: ProductId,
    scope: Scope = "pending",
    from_shopify_product_id: ProductId | None = None,
) -> Transferred:
    """Move back-in-stock signups from one variant to another.

    scope selects the signups to move: pending (default, orphaned ones included), notified or all. A
    signup is dropped if it would repeat a pending signup of the target variant, which then counts
    as confirmed if either was. If the target is in stock, its new shoppers are notified now. The
    target must be a variant of that product in the shop; the source may be gone.
    """
    if from_shopify_variant_id == to_shopify_variant_id:
        raise Invalid(SAME_VARIANT)
    target = await moves.target(context.db, context.shop_id, to_shopify_variant_id)
    obstacle = rules.no_target(target, to_shopify_product_id)
    if obstacle is not None:
        raise Invalid(obstacle)
    moved = await moves.transfer(
        context.db,
        context.shop_id,
        from_variant_id=from_shopify_variant_id,
        from_product_id=from_shopify_product_id,
        to_variant_id=to_shopify_variant_id,
        to_product_id=to_shopify_product_id,
        scope=scope,
        now=context.runtime.clock(),
    )
    await due.start(context, variant_ids=[to_shopify_variant_id])
    return moved


@signups.post(
    "/unblock",
    aliases=("unblock signups", "the relay was at fault", "lift blocks"),
    requires=(AnyOf(("signup_ids", "reason", "from", "to", "all"), _WHICH),),
)
async def unblock(
    context: Context,
    *,
    signup_ids: SignupIds | None = None,
    reason: Line | None = None,
    from_: Annotated[Day | None, Field(alias="from")] = None,
    to: Day | None = None,
    all_: Annotated[bool, Field(alias="all")] = False,
) -> Unblocked:
    """Make back-in-stock signups pending again whose contact a mail relay had refused.

    Select the signups by signup_ids, reason (part of the relay's reply, such as "530"), from and to
    (the days on which they were blocked, inclusive), any combination of these, or all: true. At
    most 10,000 are unblocked per request: repeat until unblocked_count is 0. Their shoppers are
    notified at the next restock. A signup stays blocked if its contact is already waiting for the
    variant through another signup.
    """
    if all_ == any(one is not None for one in (signup_ids, reason, from_, to)):
        raise Invalid(_WHICH)
    wanted = BlockFilter(
        signup_ids=signup_ids,
        reason=reason,
        since=start_of(from_, context.shop.timezone),
        before=after(to, context.shop.timezone),
    )
    count = await blocks.lift(context.db, context.shop_id, wanted, now=context.runtime.clock())
    return Unblocked(unblocked_count=count)


async def notify_many(
    context: Context, signup_ids: list[UUID], *, allow_resend: bool
) -> BulkNotified:
    """Start to notify each signup that may be notified; return their ids and the failures."""
    found = {
        signup.id: signup
        for signup in await store.load(context.db, context.shop_id, signup_ids, lock=True)
    }
    asked = list(dict.fromkeys(signup_ids))
    obstacles = {
        one: rules.refusal(found[one], allow_resend=allow_resend)
        if one in found
        else f"no signup with the id {one} in this shop"
        for one in asked
    }
    willing = [one for one in asked if obstacles[one] is None]
    if willing:
        await manual.start(context, [found[one] for one in willing])
    return BulkNotified(
        success=willing,
        failed=[
            Failed(signup_id=one, error=obstacle)
            for one, obstacle in obstacles.items()
            if obstacle is not None
        ],
    )


async def _load_many(context: Context, signup_ids: list[UUID]) -> list[Signup]:
    found = await store.load(context.db, context.shop_id, signup_ids, lock=True)
    if not found:
        raise NotFound("none of these signups is in this shop")
    return found


async def _view(context: Context, signup: Signup) -> Written[SignupView]:
    json = await store.view(context.db, context.shop_id, signup.id, projection=SIGNUP)
    if json is None:
        raise NotFound(f"no signup with the id {signup.id} in this shop")
    return Written(json.encode())


ACTIONS = tuple(signups)
