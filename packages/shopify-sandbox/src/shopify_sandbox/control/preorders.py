"""The control API's endpoints for selling plan groups, metafields and collections.

These are the records that apps use.
"""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from starlette.requests import Request

from shopify_sandbox.admin import selling_plan_inputs
from shopify_sandbox.admin.records import global_id
from shopify_sandbox.bodies import Amount, Body, Id, Moment, NoBody, Text, checked
from shopify_sandbox.control.errors import MissingError, RefusalError
from shopify_sandbox.control.preorder_views import (
    collection_view,
    group_view,
    groups_of,
    metafields_view,
)
from shopify_sandbox.control.views import variant_view
from shopify_sandbox.records.catalogue import Variant
from shopify_sandbox.records.plans import Collection, SellingPlanGroup
from shopify_sandbox.shop import Shop
from shopify_sandbox.shops import OpenShop

ANOTHER_APP = "another-app"


async def list_groups(opened: OpenShop, _: NoBody, __: Request) -> dict[str, Any]:
    """List all selling plan groups with their plans and variants."""
    groups = opened.shop.plan_groups.values()
    return {"selling_plan_groups": [group_view(each) for each in groups]}


def _is_duration(text: str) -> bool:
    try:
        return _DURATION.validate_python(text) > timedelta()
    except ValidationError:
        return False


_DURATION = TypeAdapter(timedelta)
Duration = Annotated[str, checked(_is_duration, "must be a duration such as P30D")]


class PlanOffer(Body):
    """A selling plan of another app than the one under test.

    The deposit is either a `percentage` or an `amount`. The rest is due at the date `due_at`, or
    when the time `due_after` has passed since the checkout. Without either, it is due on
    fulfillment.
    """

    name: Text
    percentage: Annotated[float, Field(ge=0, le=100)] | None = None
    amount: Amount | None = None
    due_at: Moment | None = None
    due_after: Duration | None = None
    delivery_at: Moment | None = None


class GroupOffer(Body):
    """A selling plan group of another app, and the variants that its plans are offered for."""

    name: Text = "Another app"
    variant_ids: tuple[Id, ...]
    plans: Annotated[tuple[PlanOffer, ...], Field(min_length=1)]


async def create_group(opened: OpenShop, body: GroupOffer, _: Request) -> dict[str, Any]:
    """Create a selling plan group of another app, and offer its plans for variants.

    After a deposit, the rest is due on fulfillment if the plan has no date or time for it.
    """
    shop = opened.shop
    if any(each not in shop.variants for each in body.variant_ids):
        raise RefusalError("variant_ids must be a list of this shop's variants.")
    given = [_plan_input(each) for each in body.plans]
    for each in given:
        for problem in selling_plan_inputs.problems(each, ("plans",), is_new=True):
            raise RefusalError(problem.message)
    group = SellingPlanGroup(
        id=next(shop.ids),
        name=body.name,
        merchant_code=body.name.lower().replace(" ", "-"),
        options=["Purchase option"],
        created_at=shop.moment(),
        app_id=ANOTHER_APP,
        variant_ids=set(body.variant_ids),
    )
    for position, each in enumerate(given, 1):
        plan = selling_plan_inputs.read_plan(shop, {**each, "position": position})
        group.plans[plan.id] = plan
    shop.plan_groups[group.id] = group
    return group_view(group)


def _plan_input(row: PlanOffer) -> dict[str, Any]:
    if (row.percentage is None) == (row.amount is None):
        raise RefusalError("A plan must have either a percentage or an amount.")
    if row.due_at is not None and row.due_after is not None:
        raise RefusalError("A plan must have due_at or due_after, not both.")
    charge = (
        {"type": "PRICE", "value": {"fixed_value": row.amount}}
        if row.percentage is None
        else {"type": "PERCENTAGE", "value": {"percentage": row.percentage}}
    )
    trigger = "EXACT_TIME" if row.due_at else "ON_FULFILLMENT"
    if row.due_after:
        trigger = "TIME_AFTER_CHECKOUT"
    if row.percentage == selling_plan_inputs.WHOLE:
        trigger = "NO_REMAINING_BALANCE"
    return {
        "name": row.name,
        "options": [row.name],
        "category": "PRE_ORDER",
        "billing_policy": {
            "fixed": {
                "checkout_charge": charge,
                "remaining_balance_charge_trigger": trigger,
                "remaining_balance_charge_exact_time": row.due_at and row.due_at.isoformat(),
                "remaining_balance_charge_time_after_checkout": row.due_after,
            }
        },
        "delivery_policy": {
            "fixed": {
                "fulfillment_trigger": "EXACT_TIME" if row.delivery_at else "UNKNOWN",
                "fulfillment_exact_time": row.delivery_at and row.delivery_at.isoformat(),
            }
        },
        "inventory_policy": {"reserve": "ON_SALE"},
        "pricing_policies": [],
    }


async def delete_group(opened: OpenShop, _: NoBody, request: Request) -> dict[str, Any]:
    """Delete a selling plan group, as another app of the merchant might."""
    group = opened.shop.plan_groups.pop(request.path_params["id"], None)
    if group is None:
        raise MissingError(f"There is no selling plan group {request.path_params['id']}.")
    return {"deleted": group.id}


async def get_preorder(opened: OpenShop, _: NoBody, request: Request) -> dict[str, Any]:
    """Show a variant as a theme knows it: its plans, its metafields, its inventory policy."""
    shop = opened.shop
    variant: Variant | None = shop.variants.get(request.path_params["id"])
    if variant is None:
        raise MissingError(f"There is no variant {request.path_params['id']} in this shop.")
    return {
        **variant_view(variant),
        "selling_plan_groups": [group_view(each) for each in groups_of(shop, variant)],
        "metafields": metafields_view(shop, global_id(variant)),
    }


async def list_shop_metafields(opened: OpenShop, _: NoBody, __: Request) -> dict[str, Any]:
    """List the metafields on the shop itself."""
    return {"metafields": metafields_view(opened.shop, opened.shop.gid)}


class MetafieldChange(Body):
    """A metafield to overwrite, or to delete with a `value` of null."""

    namespace: Text
    key: Text
    value: str | None = None


async def change_metafield(
    opened: OpenShop, body: MetafieldChange, request: Request
) -> dict[str, Any]:
    """Overwrite a variant's metafield by hand, or delete it with `value` null."""
    shop = opened.shop
    variant: Variant | None = shop.variants.get(request.path_params["id"])
    if variant is None:
        raise MissingError(f"There is no variant {request.path_params['id']} in this shop.")
    owner = global_id(variant)
    found = shop.metafields.get(owner, body.namespace, body.key)
    if found is None:
        raise MissingError(f"The variant has no metafield {body.namespace}.{body.key}.")
    if body.value is None:
        shop.metafields.remove(owner, body.namespace, body.key)
    else:
        found.value = body.value
    return {"metafields": metafields_view(shop, owner)}


async def list_collections(opened: OpenShop, _: NoBody, __: Request) -> dict[str, Any]:
    """List all collections."""
    found = opened.shop.collections.values()
    return {"collections": [collection_view(each) for each in found]}


class CollectionProducts(Body):
    """The products of a collection."""

    product_ids: tuple[Id, ...] = ()


class NewCollection(CollectionProducts):
    """A collection to make."""

    title: Text


async def create_collection(opened: OpenShop, body: NewCollection, _: Request) -> dict[str, Any]:
    """Make a collection of products."""
    shop = opened.shop
    ids = _product_ids(shop, body)
    moment = shop.moment()
    made = Collection(
        id=next(shop.ids),
        handle=body.title.lower().replace(" ", "-"),
        title=body.title,
        created_at=moment,
        updated_at=moment,
        product_ids=ids,
    )
    shop.collections[made.id] = made
    return collection_view(made)


async def update_collection(
    opened: OpenShop, body: CollectionProducts, request: Request
) -> dict[str, Any]:
    """Replace the products of a collection."""
    shop = opened.shop
    found = shop.collections.get(request.path_params["id"])
    if found is None:
        raise MissingError(f"There is no collection {request.path_params['id']} in this shop.")
    ids = _product_ids(shop, body)
    found.product_ids, found.updated_at = ids, shop.moment()
    return collection_view(found)


def _product_ids(shop: Shop, body: CollectionProducts) -> list[int]:
    if any(each not in shop.products for each in body.product_ids):
        raise RefusalError("product_ids must be a list of this shop's products.")
    return list(body.product_ids)


OPERATIONS = (
    ("GET", "selling_plan_groups", list_groups),
    ("POST", "selling_plan_groups", create_group),
    ("DELETE", "selling_plan_groups/{id:int}", delete_group),
    ("GET", "variants/{id:int}/preorder", get_preorder),
    ("POST", "variants/{id:int}/metafields", change_metafield),
    ("GET", "metafields", list_shop_metafields),
    ("GET", "collections", list_collections),
    ("POST", "collections", create_collection),
    ("PATCH", "collections/{id:int}", update_collection),
)
