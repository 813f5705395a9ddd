"""The control API's endpoint for order edits, which a merchant makes in the admin."""

from typing import Any

from starlette.requests import Request

from shopify_sandbox import edits
from shopify_sandbox.control.errors import RefusalError
from shopify_sandbox.control.order_bodies import AddedVariant, CustomLine, Edit
from shopify_sandbox.control.order_finds import check_open, line_of, order_of, read_taxes
from shopify_sandbox.control.order_views import order_view
from shopify_sandbox.records.lines import LineItem
from shopify_sandbox.shop import Shop
from shopify_sandbox.shops import OpenShop


async def edit_order(opened: OpenShop, body: Edit, request: Request) -> dict[str, Any]:
    """Edit an order: set the quantities of lines, and add variants and custom lines.

    A quantity of 0 removes a line.
    """
    shop, order = opened.shop, order_of(opened, request)
    check_open(order)
    changes: dict[LineItem, int] = {}
    for each in body.lines:
        line = line_of(order, each.id)
        changes[line] = each.quantity - line.current_quantity
        if each.quantity < line.fulfilled_quantity - line.returned_quantity or each.quantity < 0:
            raise RefusalError("quantity must be at least what was sent of the line.")
        if not changes[line]:
            raise RefusalError("quantity must be another one than it is.")
    added = [_variant_line(shop, each) for each in body.variants]
    added += [_custom_line(each) for each in body.custom]
    if not (changes or added):
        raise RefusalError("lines, variants or custom must name what is to be changed.")
    edits.edit(shop, order, changes, added, restock=body.restock)
    return order_view(shop, order)


def _variant_line(shop: Shop, row: AddedVariant) -> edits.NewLine:
    variant = shop.variants.get(row.variant_id)
    if variant is None:
        raise RefusalError(f"There is no variant {row.variant_id} in this shop.")
    return edits.NewLine(quantity=row.quantity, variant=variant, taxes=read_taxes(row.taxes))


def _custom_line(row: CustomLine) -> edits.NewLine:
    return edits.NewLine(
        quantity=row.quantity,
        title=row.title,
        price=row.price,
        taxes=read_taxes(row.taxes),
        requires_shipping=row.requires_shipping,
    )


OPERATIONS = (("POST", "orders/{id:int}/edit", edit_order),)
