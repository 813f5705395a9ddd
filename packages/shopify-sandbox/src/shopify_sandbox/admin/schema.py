"""The executable schema: requests use Shopify's camelCase names, resolvers use snake_case."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
)

from shopify_sandbox.admin import (
    fulfillment_fields,
    fulfillment_mutations,
    metafield_mutations,
    money_fields,
    order_fields,
    order_mutations,
    origin_fields,
    payment_fields,
    payment_mutations,
    refund_mutations,
    selling_plan_mutations,
    stock_mutations,
    suggested_refunds,
    webhook_mutations,
)
from shopify_sandbox.admin.fields import FIELDS
from shopify_sandbox.admin.queries import QUERIES
from shopify_sandbox.admin.records import KINDS, Info, Resolver, global_id

SCHEMA_FILES = sorted(Path(__file__).parent.glob("*.graphql"))

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def snake(name: str) -> str:
    """Return a camelCase name in snake_case."""
    return _HUMP.sub("_", name).lower()


def _attribute(source: Any, info: Info) -> Any:
    name = snake(info.field_name)
    return source.get(name) if isinstance(source, dict) else getattr(source, name)


def _id(source: Any, _: Info) -> str:
    if isinstance(source, dict):
        return str(source["id"])
    return global_id(source)


def _write_moment(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "DateTime": _write_moment,
    "Money": lambda value: f"{value:.2f}" if isinstance(value, Decimal) else value,
    "UnsignedInt64": str,
}


def kind_of(source: Any, *_: Any) -> str:
    """Return the name of a record's type in the schema.

    The engine calls this for a field whose type is an interface.
    """
    return str(source["__typename"]) if isinstance(source, dict) else KINDS[type(source)]


MUTATIONS: dict[str, Resolver] = {
    "Mutation.fulfillmentOrderHold": fulfillment_mutations.hold,
    "Mutation.fulfillmentOrderMerge": fulfillment_mutations.merge,
    "Mutation.fulfillmentOrderReleaseHold": fulfillment_mutations.release,
    "Mutation.fulfillmentOrderReschedule": fulfillment_mutations.reschedule,
    "Mutation.fulfillmentOrderSplit": fulfillment_mutations.split,
    "Mutation.inventoryAdjustQuantities": stock_mutations.adjust_quantities,
    "Mutation.inventorySetQuantities": stock_mutations.set_quantities,
    "Mutation.metafieldsDelete": metafield_mutations.delete_metafields,
    "Mutation.metafieldsSet": metafield_mutations.set_metafields,
    "Mutation.orderCancel": order_mutations.cancel,
    "Mutation.orderCreateMandatePayment": payment_mutations.charge_mandate,
    "Mutation.orderMarkAsPaid": order_mutations.mark_as_paid,
    "Mutation.productVariantsBulkUpdate": selling_plan_mutations.update_variants,
    "Mutation.refundCreate": refund_mutations.refund,
    "Mutation.sellingPlanGroupAddProductVariants": selling_plan_mutations.add_variants,
    "Mutation.sellingPlanGroupCreate": selling_plan_mutations.create_group,
    "Mutation.sellingPlanGroupDelete": selling_plan_mutations.delete_group,
    "Mutation.sellingPlanGroupRemoveProductVariants": selling_plan_mutations.remove_variants,
    "Mutation.sellingPlanGroupUpdate": selling_plan_mutations.update_group,
    "Mutation.tagsAdd": order_mutations.add_tags,
    "Mutation.tagsRemove": order_mutations.remove_tags,
    "Mutation.webhookSubscriptionCreate": webhook_mutations.create,
    "Mutation.webhookSubscriptionDelete": webhook_mutations.delete,
    "Mutation.webhookSubscriptionUpdate": webhook_mutations.update,
}


RESOLVERS: dict[str, Resolver] = {
    **QUERIES,
    **fulfillment_fields.QUERIES,
    **FIELDS,
    **fulfillment_fields.FIELDS,
    **order_fields.FIELDS,
    **origin_fields.FIELDS,
    **money_fields.FIELDS,
    **payment_fields.FIELDS,
    **suggested_refunds.FIELDS,
    **MUTATIONS,
}


def schema_text() -> str:
    """Return the text of the whole schema, joined from its files."""
    return "\n".join(each.read_text() for each in SCHEMA_FILES)


@cache
def executable_schema() -> GraphQLSchema:
    """Return the schema with a resolver on every field."""
    schema = build_schema(schema_text())
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLScalarType) and kind.name in _SCALARS:
            kind.coerce_output_value = _SCALARS[kind.name]
        elif isinstance(kind, GraphQLInputObjectType):
            for name, declared in kind.fields.items():
                declared.out_name = snake(name)
        elif isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            _attach(kind)
    return schema


def _attach(kind: GraphQLObjectType) -> None:
    for name, declared in kind.fields.items():
        for argument, about in declared.args.items():
            about.out_name = snake(argument)
        own = RESOLVERS.get(f"{kind.name}.{name}")
        shared = None if kind.name.endswith("Payload") else _SHARED.get(name)
        declared.resolve = own or shared or _attribute


_SHARED: dict[str, Resolver] = {
    "id": _id,
    "legacyResourceId": lambda record, _: record.id,
    "metafield": FIELDS["HasMetafields.metafield"],
    "metafields": FIELDS["HasMetafields.metafields"],
}
