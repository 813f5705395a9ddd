"""The ten selling-plan operations of API v1, over the same offers as v2."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from openstoq.actions.action import Action, declared
from openstoq.actions.context import Context
from openstoq.actions.validation import sentences
from openstoq.errors import BadRequest, Conflict, Invalid, NotFound
from openstoq.jobs import bulk
from openstoq.kernel.ids import ShopifyId, new_id
from openstoq.kernel.paging import Page
from openstoq.kernel.types import Copy, Line
from openstoq.preorders.offers import actions as lifecycle
from openstoq.preorders.offers import attaching, membership, products, rules, store, sync
from openstoq.preorders.offers.capabilities import CAPABILITIES
from openstoq.preorders.offers.editing import load as load_offer
from openstoq.preorders.offers.editing import save
from openstoq.preorders.offers.membership import Member
from openstoq.preorders.offers.model import Offer
from openstoq.web.v1.plan_fields import (
    SellingPlanInput,
    changes_of,
    field_at,
    fields_of,
    set_options,
)
from openstoq.web.v1.requests import Lenient

MOST_PER_PAGE = 250
VariantIds = Annotated[list[ShopifyId], Field(min_length=1, max_length=5000)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]


class PlanProblems(Invalid):
    """What is wrong with a plan, by its fields: v1's 422."""

    def __init__(self, *messages: str) -> None:
        by_field: dict[str, list[str]] = {}
        for message in messages:
            path, _, said = message.removeprefix("selling_plan.").partition(" ")
            known = path in SellingPlanInput.model_fields or path in PlanBody.model_fields
            name = path if known else field_at(path)
            by_field.setdefault(name, []).append(said if name != "base" else message)
        super().__init__(*messages, errors=by_field)


class PlanBody(Lenient):
    """POST and PUT: the plan's fields."""

    selling_plan: SellingPlanInput


class VariantsBody(Lenient):
    """The variants that an operation is about."""

    shopify_variant_ids: VariantIds


class PolicyBody(VariantsBody):
    """POST bulk_toggle_inventory_policy."""

    inventory_policy: Line


class RemovalBody(VariantsBody):
    """DELETE remove_variant."""

    inventory_policy: Line | None = None


class SettingsBody(Lenient):
    """PATCH update_variant_settings."""

    shopify_variant_id: ShopifyId
    shipping_text: Copy = None
    preorder_max_count: Count | None = None


async def load(context: Context, offer_id: str, *, lock: bool) -> Offer:
    """Load an offer, in v1's words when there is none."""
    try:
        return await load_offer(context, offer_id, lock=lock)
    except NotFound:
        raise NotFound("Selling plan not found") from None


async def list_plans(
    context: Context,
    *,
    name: Line | None = None,
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1,
    per_page: Annotated[int, Field(ge=1, le=MOST_PER_PAGE)] = 25,
) -> dict[str, Any]:
    """List the shop's selling plans, newest first; name matches either of their names."""
    asked = Page(page, per_page)
    found, total = await store.page(context.db, context.shop_id, asked, status=None, name=name)
    attached = await membership.attached_ids(
        context.db, context.shop_id, [offer.id for offer in found]
    )
    plans = [
        {
            "id": offer.id,
            "name": offer.name,
            "internal_name": offer.internal_name,
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
    """Create a selling plan; what is not sent falls back to the defaults."""
    now = context.runtime.clock()
    offer = Offer(id=new_id(), created_at=now, updated_at=now)
    sent = _sent(selling_plan)
    _apply(context, offer, sent)
    offer.source = sent.get("product_variants_source", "custom")
    offer.collection_id = _collection(offer, sent)
    rules.settle(offer)
    await store.add(context.db, context.shop_id, offer)
    sync.request(context, offer.id)
    await _resolve(context, offer)
    return await _view(context, offer)


async def read_plan(context: Context, offer: Offer) -> dict[str, Any]:
    """Read one selling plan."""
    return await _view(context, offer)


async def update_plan(context: Context, offer: Offer, *, selling_plan: BaseModel) -> dict[str, Any]:
    """Change the fields that were sent."""
    sent = _sent(selling_plan)
    _apply(context, offer, sent)
    source = sent.get("product_variants_source", offer.source)
    collection_id = _collection(offer, sent, source)
    moves = (source, collection_id) != (offer.source, offer.collection_id)
    if moves:
        await products.switch(context, offer, source)
        offer.collection_id = collection_id
    await save(context, offer)
    if moves:
        await _resolve(context, offer)
    return await _view(context, offer)


async def delete_plan(context: Context, offer: Offer) -> dict[str, Any]:
    """Soft-delete a selling plan."""
    await lifecycle.discard(context, offer)
    return {"success": True, "message": "Selling plan deleted"}


async def product_variants(
    context: Context,
    offer: Offer,
    *,
    shopify_product_id: ShopifyId | None = None,
    shopify_variant_id: ShopifyId | None = None,
) -> dict[str, Any]:
    """List a plan's variants with what was sold of each."""
    if shopify_product_id is not None and shopify_variant_id is not None:
        raise BadRequest("Cannot filter by both shopify_product_id and shopify_variant_id")
    found = await membership.page(
        context.db,
        context.shop_id,
        offer.id,
        None,
        product_id=shopify_product_id,
        variant_id=shopify_variant_id,
    )
    plan = {
        "selling_plan_id": offer.id,
        "selling_plan_name": offer.name,
        "currency": context.shop.currency,
    }
    if shopify_variant_id is not None:
        if not found:
            raise NotFound("Variant not found in this selling plan")
        sold = {"total_units_sold": found[0].preorder_count}
        return {**plan, "product_variant": _details(found[0]), "meta": sold}
    sold = {
        "total_variants": len(found),
        "total_units_sold": sum(one.preorder_count for one in found),
    }
    return {**plan, "product_variants": [_details(one) for one in found], "meta": sold}


async def add_variant(
    context: Context, offer: Offer, *, shopify_variant_ids: VariantIds
) -> dict[str, Any]:
    """Attach variants; 422 when some are attached already or do not exist."""
    rules.check_changeable(offer)
    ids = list(dict.fromkeys(shopify_variant_ids))
    attached = (await membership.attached_ids(context.db, context.shop_id, [offer.id]))[offer.id]
    existing = sorted(set(ids) & set(attached))
    if existing:
        raise Invalid("Some variants are already added", existing_variants=existing)
    now = context.runtime.clock()
    unknown = await membership.attach(context.db, context.shop_id, offer, ids, now)
    if unknown:
        raise Invalid(
            f"These variants do not exist: {', '.join(map(str, unknown))}", existing_variants=[]
        )
    await save(context, offer)
    return {
        "success": True,
        "message": f"{len(ids)} variant{'s' * (len(ids) > 1)} added to selling plan",
        "variants_added": ids,
    }


async def remove_variant(
    context: Context,
    offer: Offer,
    *,
    shopify_variant_ids: VariantIds,
    inventory_policy: str | None,
) -> dict[str, Any]:
    """Detach variants, and set their inventory policy when one is given."""
    policy = _policy(inventory_policy) if inventory_policy is not None else None
    if policy is not None:
        await membership.want_policy(
            context.db, context.shop_id, offer.id, policy, shopify_variant_ids
        )
    gone = await products.detach(context, offer, shopify_variant_ids)
    return {
        "success": True,
        "message": f"{len(gone)} variant{'s' * (len(gone) > 1)} removed",
        "variants_removed": gone,
        "inventory_policy_updated": policy is not None,
        "inventory_policy": inventory_policy,
    }


async def bulk_toggle_inventory_policy(
    context: Context, offer: Offer, *, shopify_variant_ids: VariantIds, inventory_policy: str
) -> dict[str, Any]:
    """Queue an inventory policy for variants."""
    rules.check_changeable(offer)
    _policy(inventory_policy)
    await attaching.submit_policy(context, offer, inventory_policy, shopify_variant_ids)
    return {
        "success": True,
        "message": "Inventory policy update queued",
        "variants_queued": list(dict.fromkeys(shopify_variant_ids)),
    }


async def update_variant_settings(
    context: Context, offer: Offer, changes: dict[str, Any]
) -> dict[str, Any]:
    """Change a variant's own settings within a plan."""
    renamed = {"shipping_text": "shipping_text", "preorder_max_count": "max_count"}
    sent = {ours: changes[name] for name, ours in renamed.items() if name in changes}
    if not sent:
        raise BadRequest("No settings to update: send shipping_text or preorder_max_count")
    number = changes["shopify_variant_id"]
    found = await products.member(context, offer, number)
    await products.override(context, offer, found, sent)
    now = await products.member(context, offer, number)
    return {
        "success": True,
        "message": "Variant settings updated",
        "variant": {
            "shopify_variant_id": now.variant_id,
            "shipping_text": now.shipping_text,
            "preorder_max_count": now.max_count,
        },
    }


def _sent(plan: BaseModel) -> dict[str, Any]:
    return plan.model_dump(mode="json", exclude_unset=True)


def _apply(context: Context, offer: Offer, sent: dict[str, Any]) -> None:
    """Lay a v1 body over the offer; raise PlanProblems with every problem."""
    changes = changes_of(sent, offer)
    problems: list[str] = []
    offer.payments = offer.payments.model_copy(deep=True)
    try:
        set_options(offer.payments, sent)
    except ValidationError as error:
        problems += sentences(error, under=("payments.options.partial.deposit",))
    for capability in CAPABILITIES:
        if capability.name not in changes:
            continue
        try:
            changed = capability.merged(
                getattr(offer, capability.name),
                changes[capability.name],
                under=(capability.name,),
            )
        except Invalid as invalid:
            problems += invalid.messages
        else:
            setattr(offer, capability.name, changed)
    if problems:
        raise PlanProblems(*problems)
    for name in ("name", "internal_name"):
        if name in sent:
            setattr(offer, name, sent[name])
    if sent.get("enabled", offer.enabled) != offer.enabled:
        offer.enabled = sent["enabled"]
        offer.enabled_at = context.runtime.clock() if offer.enabled else offer.enabled_at


def _collection(offer: Offer, sent: dict[str, Any], source: str | None = None) -> int | None:
    wanted = source or offer.source
    if wanted != "collection":
        return None
    collection_id: int | None = sent.get("product_variants_source_id", offer.collection_id)
    if collection_id is None:
        raise PlanProblems("product_variants_source_id is required for the source collection")
    return collection_id


async def _resolve(context: Context, offer: Offer) -> None:
    if offer.source == "all":
        count = await membership.count_all(context.db, context.shop_id, offer)
        await attaching.submit(context, offer, "set_source_to_all", count=count)
    elif offer.source == "collection":
        await attaching.submit(
            context,
            offer,
            "set_source_to_collection",
            count=None,
            collection_id=offer.collection_id,
        )


def _policy(value: str) -> Literal["continue", "deny"]:
    if value == "CONTINUE":
        return "continue"
    if value == "DENY":
        return "deny"
    raise Conflict("inventory_policy must be CONTINUE or DENY")


def _details(member: Member) -> dict[str, Any]:
    return {
        "shopify_product_id": member.product_id,
        "shopify_variant_id": member.variant_id,
        "product_title": member.product_title,
        "variant_title": None if member.variant_title == "Default Title" else member.variant_title,
        "preorder_units_sold": member.preorder_count,
        "preorder_max_count": member.max_count,
        "shipping_text": member.shipping_text,
    }


async def _view(context: Context, offer: Offer) -> dict[str, Any]:
    attached = (await membership.attached_ids(context.db, context.shop_id, [offer.id]))[offer.id]
    scope = offer.markets.market_ids
    return {
        "id": offer.id,
        **fields_of(offer),
        "selling_plan_product_variants_count": len(attached),
        "shopify_selling_plan_id": offer.full_plan_id or offer.partial_plan_id,
        "shopify_selling_plan_group_id": offer.plan_group_id,
        "shop_id": context.shop.shopify_id,
        "market_id": scope[0] if offer.markets.enabled and len(scope) == 1 else None,
        "created_at": offer.created_at,
        "updated_at": offer.updated_at,
        "discarded_at": offer.discarded_at,
        "ongoing_job": await bulk.running(context.db, context.shop_id, "offer_id", str(offer.id)),
        "shopify_variant_ids": attached,
    }


def _operation(handler: Any, method: Any, path: str, **options: Any) -> Action:
    return declared(
        handler,
        name=f"v1.preorders.{handler.__name__}",
        method=method,
        path=f"/preorders{path}",
        status=options.pop("status", 200),
        load=load if "{id}" in path else None,
        **options,
    )


CREATE = _operation(create_plan, "POST", "", status=201, request=PlanBody)
UPDATE = _operation(update_plan, "PUT", "/{id}", request=PlanBody)
OPERATIONS = (
    _operation(list_plans, "GET", ""),
    CREATE,
    _operation(product_variants, "GET", "/{id}/product_variants"),
    _operation(add_variant, "POST", "/{id}/add_variant", request=VariantsBody),
    _operation(remove_variant, "DELETE", "/{id}/remove_variant", request=RemovalBody),
    _operation(
        bulk_toggle_inventory_policy,
        "POST",
        "/{id}/bulk_toggle_inventory_policy",
        request=PolicyBody,
    ),
    _operation(
        update_variant_settings,
        "PATCH",
        "/{id}/update_variant_settings",
        request=SettingsBody,
        partial=True,
    ),
    _operation(read_plan, "GET", "/{id}"),
    UPDATE,
    _operation(delete_plan, "DELETE", "/{id}"),
)
