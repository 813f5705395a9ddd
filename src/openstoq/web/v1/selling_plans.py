"""The selling-plan operations of API v1, over the same offers as v2."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field

from openstoq.actions.context import Context
from openstoq.errors import Conflict, Invalid
from openstoq.jobs import bulk
from openstoq.kernel.ids import new_id
from openstoq.kernel.paging import Page
from openstoq.kernel.types import Line
from openstoq.preorders.offers import rules, store
from openstoq.preorders.offers.actions import offers as lifecycle
from openstoq.preorders.offers.actions import selection
from openstoq.preorders.offers.attachments import store as attachment_store
from openstoq.preorders.offers.editing import add, lay_over, save
from openstoq.preorders.offers.model import Offer, Source
from openstoq.web.v1 import plan_rules, plan_variants
from openstoq.web.v1.plan_fields import SellingPlanInput, changes_of, field_at, fields_of
from openstoq.web.v1.plan_terms import set_terms, start_terms
from openstoq.web.v1.plan_variants import DISCARDED, operation
from openstoq.web.v1.requests import Lenient

MOST_PER_PAGE = 250
_OFFER = "the offer "
_ONLY_CUSTOM = (
    "must be custom with the inventory_provider shopify; send inventory_provider stoq for another"
)


class PlanProblems(Invalid):
    """All problems of a plan, grouped by field as in v1's 422 response."""

    def __init__(self, by_field: Mapping[str, list[str]]) -> None:
        sentences = (f"{name} {one}" for name, several in by_field.items() for one in several)
        super().__init__(*sentences, errors=dict(by_field))

    @classmethod
    def of(cls, messages: Iterable[str]) -> "PlanProblems":
        """Group messages by the v1 field that each of them concerns.

        A message begins with the field's path. Messages that concern no field are under `base`.
        """
        by_field: dict[str, list[str]] = {}
        for message in messages:
            name, sentence = _placed(message)
            by_field.setdefault(name, []).append(sentence)
        return cls(by_field)


def _placed(message: str) -> tuple[str, str]:
    path, _, sentence = message.removeprefix("selling_plan.").partition(" ")
    field, _, entry = path.partition(".")
    if field in SellingPlanInput.model_fields or field in PlanBody.model_fields:
        return field, f"entry {entry} {sentence}" if entry else sentence
    known = field_at(path)
    if known is not None:
        return known, sentence
    if message.startswith(_OFFER):
        message = f"the selling plan {message.removeprefix(_OFFER)}"
    return "base", message


class PlanBody(Lenient):
    """The body of POST and PUT: the plan's fields."""

    selling_plan: SellingPlanInput


async def list_plans(
    context: Context,
    *,
    name: Line | None = None,
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1,
    per_page: Annotated[int, Field(ge=1, le=MOST_PER_PAGE)] = 25,
) -> dict[str, Any]:
    """List the shop's selling plans, newest first; `name` matches the name or the internal name."""
    asked = Page(page, per_page)
    found, total = await store.page(context.db, context.shop_id, asked, status=None, name=name)
    attached = await attachment_store.attached_ids(
        context.db, context.shop_id, [offer.id for offer in found]
    )
    plans = [
        {
            "id": offer.id,
            "name": offer.name,
            "internal_name": offer.internal_name or "",
            "enabled": offer.enabled,
            "selling_plan_product_variants_count": offer.variant_count,
            "created_at": offer.created_at,
            "updated_at": offer.updated_at,
            "shopify_variant_ids": attached[offer.id],
        }
        for offer in found
    ]
    return {"selling_plans": plans, "meta": asked.meta(total).model_dump()}


async def create_plan(context: Context, *, selling_plan: BaseModel) -> dict[str, Any]:
    """Create a selling plan; fields that are not sent get their defaults."""
    now = context.runtime.clock()
    offer = Offer(id=new_id(), zone=context.shop.timezone, created_at=now, updated_at=now)
    sent = start_terms(offer, _sent(selling_plan))
    _apply(context, offer, sent)
    source = _source(offer, sent)
    offer.source, offer.collection_id = source, _collection(offer, sent, source)
    await add(context, offer)
    await _attach(context, offer)
    return await _view(context, offer)


async def read_plan(context: Context, offer: Offer) -> dict[str, Any]:
    """Read one selling plan."""
    return await _view(context, offer)


async def update_plan(context: Context, offer: Offer, *, selling_plan: BaseModel) -> dict[str, Any]:
    """Change the fields that were sent."""
    if offer.discarded_at is not None:
        raise PlanProblems({"discarded_at": [DISCARDED]})
    sent = _sent(selling_plan)
    _apply(context, offer, sent)
    source = _source(offer, sent)
    collection_id = _collection(offer, sent, source)
    moves = (source, collection_id) != (offer.source, offer.collection_id)
    if moves and collection_id is not None:
        selection.take_collection(offer, collection_id)
    elif moves:
        await selection.switch(context, offer, source)
    await save(context, offer)
    if moves:
        await _attach(context, offer)
    return await _view(context, offer)


async def delete_plan(context: Context, offer: Offer) -> dict[str, Any]:
    """Soft-delete a selling plan."""
    await lifecycle.discard(context, offer)
    return {"success": True, "message": "Selling plan deleted"}


def _sent(plan: BaseModel) -> dict[str, Any]:
    return plan.model_dump(mode="json", exclude_unset=True)


def _apply(context: Context, offer: Offer, sent: dict[str, Any]) -> None:
    """Apply a v1 body to the offer; raise PlanProblems listing every problem."""
    by_field = plan_rules.problems_of(fields_of(offer) | sent)
    if by_field:
        raise PlanProblems(by_field)
    changes = changes_of(sent, offer)
    set_terms(offer, sent)
    problems = lay_over(offer, changes)
    if problems:
        raise PlanProblems.of(problems)
    if "name" in sent:
        offer.name = sent["name"]
    if "internal_name" in sent:
        offer.internal_name = sent["internal_name"] or None
    if sent.get("enabled", offer.enabled) != offer.enabled:
        offer.enabled = sent["enabled"]
        offer.enabled_at = context.runtime.clock() if offer.enabled else offer.enabled_at


def _source(offer: Offer, sent: dict[str, Any]) -> Source:
    """Return the `product_variants_source` that a v1 body sets, or else the offer's current one.

    Raises PlanProblems when the offer cannot have that source.
    """
    source: Source = sent.get("product_variants_source", offer.source)
    if sent.keys() & {"product_variants_source", "product_variants_source_id"}:
        try:
            rules.check_source(offer, source)
        except Conflict:
            raise PlanProblems({"product_variants_source": [_ONLY_CUSTOM]}) from None
    return source


def _collection(offer: Offer, sent: dict[str, Any], source: Source) -> int | None:
    """Store the collection id that a v1 body sets; return the collection that the offer now has.

    If the body sets no id, the id that was stored last applies. If `source` is not `collection`,
    the offer has no collection, and None is returned.
    """
    if "product_variants_source_id" in sent:
        offer.values_by_type.collection_id = sent["product_variants_source_id"]
    return offer.values_by_type.collection_id if source == "collection" else None


async def _attach(context: Context, offer: Offer) -> None:
    if offer.source != "custom":
        await selection.submit(context, offer, f"set_source_to_{offer.source}")


async def _view(context: Context, offer: Offer) -> dict[str, Any]:
    attached = (await attachment_store.attached_ids(context.db, context.shop_id, [offer.id]))[
        offer.id
    ]
    scope = offer.markets.market_ids
    return {
        "id": offer.id,
        **fields_of(offer),
        "selling_plan_product_variants_count": len(attached),
        "shopify_selling_plan_id": offer.full_plan_id or offer.partial_plan_id,
        "shopify_selling_plan_group_id": offer.plan_group_id,
        # A shop that was added by hand may not have told its number yet.
        "shop_id": context.shop.shopify_id or 0,
        "market_id": scope[0] if offer.markets.enabled and len(scope) == 1 else None,
        "created_at": offer.created_at,
        "updated_at": offer.updated_at,
        "discarded_at": offer.discarded_at,
        "ongoing_job": str(offer.id) in await bulk.running(context.db, context.shop_id, "offer_id"),
        "shopify_variant_ids": attached,
    }


CREATE = operation(create_plan, "POST", "", status=201, request=PlanBody)
UPDATE = operation(update_plan, "PUT", "/{id}", request=PlanBody)
OPERATIONS = (
    operation(list_plans, "GET", ""),
    CREATE,
    *plan_variants.OPERATIONS,
    operation(read_plan, "GET", "/{id}"),
    UPDATE,
    operation(delete_plan, "DELETE", "/{id}", request=Lenient),
)
