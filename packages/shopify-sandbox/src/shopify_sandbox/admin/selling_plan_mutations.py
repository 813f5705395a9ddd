"""The mutations of selling plan groups, and of variants' inventory policies."""

from typing import Any

from shopify_sandbox import merchant
from shopify_sandbox.admin import selling_plan_inputs as inputs
from shopify_sandbox.admin.errors import UserProblem
from shopify_sandbox.admin.records import Info, find, shop_of
from shopify_sandbox.ids import gid, shopify_id
from shopify_sandbox.records.catalogue import Product, Variant
from shopify_sandbox.records.plans import SellingPlanGroup
from shopify_sandbox.shop import Shop

MOST_PLANS = 31
Given = dict[str, Any]
_GONE = UserProblem("Selling plan group does not exist.", ("id",), "GROUP_DOES_NOT_EXIST")


def create_group(
    _: Any, info: Info, input: Given, resources: Given | None = None
) -> dict[str, Any]:
    """Create a selling plan group with its plans, for the variants in `resources`."""
    shop = shop_of(info)
    problems = _problems(input, None)
    variant_ids = [shopify_id(each) for each in (resources or {}).get("product_variant_ids") or ()]
    if not problems and any(each not in shop.variants for each in variant_ids):
        problems = [UserProblem("Product variant does not exist.", ("resources",), "NOT_FOUND")]
    if problems:
        return {"selling_plan_group": None, "user_errors": problems}
    group = SellingPlanGroup(
        id=next(shop.ids),
        name=input["name"],
        merchant_code=input.get("merchant_code") or input["name"],
        options=input.get("options") or [],
        created_at=shop.moment(),
    )
    shop.plan_groups[group.id] = group
    _fill(shop, group, input)
    group.variant_ids |= set(variant_ids)
    return {"selling_plan_group": group, "user_errors": []}


def update_group(_: Any, info: Info, id: str, input: Given) -> dict[str, Any]:
    """Change a selling plan group, and create, change and delete its plans: all or nothing."""
    shop, group = shop_of(info), find(info, id, SellingPlanGroup)
    if group is None:
        return {
            "deleted_selling_plan_ids": None,
            "selling_plan_group": None,
            "user_errors": [_GONE],
        }
    if problems := _problems(input, group):
        return {
            "deleted_selling_plan_ids": None,
            "selling_plan_group": None,
            "user_errors": problems,
        }
    deleted = input.get("selling_plans_to_delete") or []
    _fill(shop, group, input)
    return {"deleted_selling_plan_ids": deleted, "selling_plan_group": group, "user_errors": []}


def delete_group(_: Any, info: Info, id: str) -> dict[str, Any]:
    """Delete a selling plan group."""
    group = find(info, id, SellingPlanGroup)
    if group is None:
        return {"deleted_selling_plan_group_id": None, "user_errors": [_GONE]}
    del shop_of(info).plan_groups[group.id]
    return {"deleted_selling_plan_group_id": id, "user_errors": []}


def add_variants(_: Any, info: Info, id: str, product_variant_ids: list[str]) -> dict[str, Any]:
    """Offer a group's plans for more variants: for all of them, or for none."""
    shop, group = shop_of(info), find(info, id, SellingPlanGroup)
    if group is None:
        return {"selling_plan_group": None, "user_errors": [_GONE]}
    numbers = [shopify_id(each) for each in product_variant_ids]
    field = ("productVariantIds",)
    if any(each not in shop.variants for each in numbers):
        problem = UserProblem("Product variant does not exist.", field, "NOT_FOUND")
        return {"selling_plan_group": None, "user_errors": [problem]}
    if group.variant_ids & set(numbers):
        problem = UserProblem("Product variants have already been taken", field, "TAKEN")
        return {"selling_plan_group": None, "user_errors": [problem]}
    group.variant_ids |= set(numbers)
    return {"selling_plan_group": group, "user_errors": []}


def remove_variants(_: Any, info: Info, id: str, product_variant_ids: list[str]) -> dict[str, Any]:
    """Stop offering a group's plans for some variants."""
    group = find(info, id, SellingPlanGroup)
    if group is None:
        return {"removed_product_variant_ids": None, "user_errors": [_GONE]}
    removed = [each for each in product_variant_ids if shopify_id(each) in group.variant_ids]
    group.variant_ids -= {shopify_id(each) for each in removed}
    return {"removed_product_variant_ids": removed, "user_errors": []}


def update_variants(
    _: Any, info: Info, product_id: str, variants: list[Given], allow_partial_updates: bool
) -> dict[str, Any]:
    """Set the inventory policies of a product's variants."""
    shop, product = shop_of(info), find(info, product_id, Product)
    if product is None:
        problem = UserProblem("Product does not exist", ("productId",), "PRODUCT_DOES_NOT_EXIST")
        return {"product": None, "product_variants": None, "user_errors": [problem]}
    found: list[tuple[Variant, Given]] = []
    problems = []
    for index, given in enumerate(variants):
        variant = find(info, given["id"], Variant)
        if variant is None or variant.product is not product:
            problems.append(
                UserProblem(
                    "Product variant does not exist",
                    ("variants", str(index), "id"),
                    "PRODUCT_VARIANT_DOES_NOT_EXIST",
                )
            )
        else:
            found.append((variant, given))
    if problems and not allow_partial_updates:
        return {"product": None, "product_variants": None, "user_errors": problems}
    merchant.set_policies(
        shop,
        {
            variant: given["inventory_policy"]
            for variant, given in found
            if given.get("inventory_policy")
        },
        shop.action(),
    )
    return {
        "product": product,
        "product_variants": [variant for variant, _ in found],
        "user_errors": problems,
    }


def _problems(given: Given, group: SellingPlanGroup | None) -> list[UserProblem]:
    problems: list[UserProblem] = []
    new = given.get("selling_plans_to_create") or []
    changed = given.get("selling_plans_to_update") or []
    known = {gid("SellingPlan", number) for number in group.plans} if group else set()
    deleted = given.get("selling_plans_to_delete") or []
    if group is None and not given.get("name"):
        problems.append(UserProblem("Name can't be blank", ("input", "name"), "BLANK"))
    for index, each in enumerate(new):
        field = ("input", "sellingPlansToCreate", str(index))
        problems += inputs.problems(each, field, is_new=True)
    for index, each in enumerate(changed):
        field = ("input", "sellingPlansToUpdate", str(index))
        if each.get("id") not in known:
            code = (
                "PLAN_DOES_NOT_EXIST" if each.get("id") else "PLAN_ID_MUST_BE_SPECIFIED_TO_UPDATE"
            )
            problems.append(UserProblem("Selling plan does not exist.", (*field, "id"), code))
        problems += inputs.problems(each, field, is_new=False)
    left = len(known - set(deleted)) + len(new)
    if left < 1:
        place = ("input", "sellingPlansToDelete" if group else "sellingPlansToCreate")
        problems.append(
            UserProblem(
                "Selling plan count must be between 1 and 31",
                place,
                "SELLING_PLAN_COUNT_LOWER_BOUND",
            )
        )
    if left > MOST_PLANS:
        problems.append(
            UserProblem(
                "Selling plan count must be between 1 and 31",
                ("input", "sellingPlansToCreate"),
                "SELLING_PLAN_COUNT_UPPER_BOUND",
            )
        )
    names = [each.get("name") for each in (*new, *changed) if each.get("name")]
    if len(set(names)) < len(names):
        problems.append(
            UserProblem(
                "Selling plan names must be unique", ("input",), "SELLING_PLAN_DUPLICATE_NAME"
            )
        )
    return problems


def _fill(shop: Shop, group: SellingPlanGroup, given: Given) -> None:
    for name in ("name", "merchant_code", "description", "options", "position", "app_id"):
        if given.get(name) is not None:
            setattr(group, name, given[name])
    for each in given.get("selling_plans_to_delete") or ():
        group.plans.pop(shopify_id(each), None)
    for each in given.get("selling_plans_to_update") or ():
        inputs.fill(shop, group.plans[shopify_id(each["id"])], each)
    for each in given.get("selling_plans_to_create") or ():
        plan = inputs.read_plan(shop, each)
        group.plans[plan.id] = plan
