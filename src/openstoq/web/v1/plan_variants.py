"""API v1's operations on a selling plan's variants: attach, remove, and change their settings."""

from typing import Annotated, Any, Literal

from pydantic import Field

from openstoq.actions.action import Action, declared
from openstoq.actions.context import Context
from openstoq.catalog.unknown_ids import listed
from openstoq.errors import BadRequest, Conflict, Invalid, NotFound
from openstoq.kernel.ids import ProductId, VariantId
from openstoq.kernel.types import Copy, Line
from openstoq.preorders.offers import rules
from openstoq.preorders.offers.actions import selection
from openstoq.preorders.offers.actions import variants as variant_actions
from openstoq.preorders.offers.attachments import policy_jobs, resolve
from openstoq.preorders.offers.attachments import store as attachment_store
from openstoq.preorders.offers.attachments.store import Member
from openstoq.preorders.offers.editing import load as load_offer
from openstoq.preorders.offers.editing import save
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.offers.storefront import policies
from openstoq.web.v1.requests import Lenient

# v1 has no operation that restores a plan.
DISCARDED = "the selling plan was deleted; create a new one, or restore it through API v2"
_ONLY_DENY = "inventory_policy must be DENY with the inventory_provider shopify"
VARIANT_NOT_FOUND = "Variant not found in this selling plan"

VariantIds = Annotated[list[VariantId], Field(min_length=1, max_length=5000)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]


class VariantsBody(Lenient):
    """The variants that an operation applies to."""

    shopify_variant_ids: VariantIds


class PolicyBody(VariantsBody):
    """The body of POST bulk_toggle_inventory_policy."""

    inventory_policy: Line


class RemovalBody(VariantsBody):
    """The body of DELETE remove_variant."""

    inventory_policy: Line | None = None


class SettingsBody(Lenient):
    """The body of PATCH update_variant_settings."""

    shopify_variant_id: VariantId
    shipping_text: Copy = None
    preorder_max_count: Count | None = None


async def product_variants(
    context: Context,
    offer: Offer,
    *,
    shopify_product_id: ProductId | None = None,
    shopify_variant_id: VariantId | None = None,
) -> dict[str, Any]:
    """List a plan's variants with the number of units sold for each."""
    if shopify_product_id is not None and shopify_variant_id is not None:
        raise BadRequest("Cannot filter by both shopify_product_id and shopify_variant_id")
    found = await attachment_store.page(
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
            raise NotFound(VARIANT_NOT_FOUND)
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
    """Attach variants to a plan; respond 422 if any is already attached or does not exist."""
    _check_changeable(offer)
    ids = list(dict.fromkeys(shopify_variant_ids))
    attached = (await attachment_store.attached_ids(context.db, context.shop_id, [offer.id]))[
        offer.id
    ]
    existing = sorted(set(ids) & set(attached))
    if existing:
        raise Invalid("Some variants are already added", existing_variants=existing)
    now = context.runtime.clock()
    unknown = await resolve.attach(context.db, context.shop_id, offer, ids, now)
    if unknown:
        raise Conflict(f"These variants do not exist: {', '.join(map(str, unknown))}")
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
    """Detach variants from a plan, and set their inventory policy if one is given.

    A job sets the policy in the shop later. `policy_answer` waits for that job, and adds to the
    response whether the shop has the policy. Responds 422 to the policy CONTINUE if another plan
    sells one of the variants only as long as Shopify's own stock lasts.
    """
    _check_changeable(offer)
    policy = policy_of(inventory_policy) if inventory_policy is not None else None
    try:
        gone = await selection.detach(context, offer, shopify_variant_ids)
    except NotFound:
        raise NotFound("Variants not found in this selling plan") from None
    if policy is not None:
        await _want_policy(context, policy, gone)
    removed = {
        "success": True,
        "message": f"{len(gone)} variant{'s' * (len(gone) > 1)} removed",
        "variants_removed": gone,
        "inventory_policy_updated": False,
    }
    return removed if policy is None else removed | {"inventory_policy": inventory_policy}


async def _want_policy(context: Context, policy: str, variant_ids: list[int]) -> None:
    await attachment_store.want_policy(context.db, context.shop_id, policy, variant_ids)
    # The removed plan may have been the one that went by Shopify's stock, or stopped the variants.
    await policies.follow(context, variant_ids, context.runtime.clock())
    held = await policies.deny_by_stock(context.db, context.shop_id, variant_ids)
    if held:
        raise Conflict(
            f"{_ONLY_DENY}, and another selling plan with it sells {listed(held)}; send DENY, or no "
            "inventory_policy"
        )


async def bulk_toggle_inventory_policy(
    context: Context, offer: Offer, *, shopify_variant_ids: VariantIds, inventory_policy: str
) -> dict[str, Any]:
    """Queue a change of the variants' inventory policy."""
    _check_changeable(offer)
    policy_of(inventory_policy)
    try:
        rules.check_policy(offer, inventory_policy)
    except Conflict:
        raise Conflict(f"{_ONLY_DENY}; send inventory_provider stoq to this plan first") from None
    await policy_jobs.submit_policy(context, offer, inventory_policy, shopify_variant_ids)
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
    try:
        found = await variant_actions.member(context, offer, number)
    except NotFound:
        raise NotFound(VARIANT_NOT_FOUND) from None
    await variant_actions.override(context, offer, found, sent)
    now = await variant_actions.member(context, offer, number)
    return {
        "success": True,
        "message": "Variant settings updated",
        "variant": {
            "shopify_variant_id": now.variant_id,
            "shipping_text": now.shipping_text,
            "preorder_max_count": now.max_count,
        },
    }


def _check_changeable(offer: Offer) -> None:
    if offer.discarded_at is not None:
        raise Conflict(DISCARDED)


def policy_of(value: str) -> Literal["continue", "deny"]:
    """Return a policy as we store it; raise Conflict if v1 has no such policy."""
    if value == "CONTINUE":
        return "continue"
    if value == "DENY":
        return "deny"
    raise Conflict("inventory_policy must be CONTINUE or DENY")


def _details(member: Member) -> dict[str, Any]:
    return {
        "shopify_product_id": member.product_id,
        "shopify_variant_id": member.variant_id,
        "product_title": member.product_title or "",
        "variant_title": None if member.variant_title == "Default Title" else member.variant_title,
        "preorder_units_sold": member.preorder_count,
        "preorder_max_count": member.max_count,
        "shipping_text": member.shipping_text,
    }


async def load(context: Context, offer_id: str, *, lock: bool) -> Offer:
    """Load an offer; if it does not exist, raise NotFound with v1's own message."""
    try:
        return await load_offer(context, offer_id, lock=lock)
    except NotFound:
        raise NotFound("Selling plan not found") from None


def operation(handler: Any, method: Any, path: str, **options: Any) -> Action:
    """Declare an operation under /preorders."""
    return declared(
        handler,
        name=f"v1.preorders.{handler.__name__}",
        method=method,
        path=f"/preorders{path}",
        status=options.pop("status", 200),
        load=load if "{id}" in path else None,
        **options,
    )


ADD = operation(add_variant, "POST", "/{id}/add_variant", request=VariantsBody)
REMOVE = operation(remove_variant, "DELETE", "/{id}/remove_variant", request=RemovalBody)
UPDATE_SETTINGS = operation(
    update_variant_settings,
    "PATCH",
    "/{id}/update_variant_settings",
    request=SettingsBody,
    partial=True,
)
OPERATIONS = (
    operation(product_variants, "GET", "/{id}/product_variants"),
    ADD,
    REMOVE,
    operation(
        bulk_toggle_inventory_policy,
        "POST",
        "/{id}/bulk_toggle_inventory_policy",
        request=PolicyBody,
    ),
    UPDATE_SETTINGS,
)
