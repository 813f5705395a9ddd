"""The control API of the records that apps use: selling plan groups, metafields, collections."""

from typing import Any

from starlette.requests import Request

from shopify_sandbox.admin.records import global_id
from shopify_sandbox.bodies import Body, Id, NoBody, Text
from shopify_sandbox.control.errors import MissingError, RefusalError
from shopify_sandbox.control.preorder_views import (
    collection_view,
    group_view,
    groups_of,
    metafields_view,
)
from shopify_sandbox.control.views import variant_view
from shopify_sandbox.records.catalogue import Variant
from shopify_sandbox.records.plans import Collection
from shopify_sandbox.shop import Shop
from shopify_sandbox.shops import OpenShop


async def list_groups(opened: OpenShop, _: NoBody, __: Request) -> dict[str, Any]:
    """List all selling plan groups with their plans and variants."""
    groups = opened.shop.plan_groups.values()
    return {"selling_plan_groups": [group_view(each) for each in groups]}


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
    ("DELETE", "selling_plan_groups/{id:int}", delete_group),
    ("GET", "variants/{id:int}/preorder", get_preorder),
    ("POST", "variants/{id:int}/metafields", change_metafield),
    ("GET", "metafields", list_shop_metafields),
    ("GET", "collections", list_collections),
    ("POST", "collections", create_collection),
    ("PATCH", "collections/{id:int}", update_collection),
)
