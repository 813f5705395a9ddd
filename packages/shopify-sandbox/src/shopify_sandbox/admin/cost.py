"""Costs of a query: the estimate that Shopify charges in advance, and the cost of the response."""

import math
from collections.abc import Iterable
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_leaf_type,
    value_from_ast_untyped,
)

MUTATION = 10
COUNT = 10
# Objects that Shopify does not charge for, because they are read with their parent.
FREE = {"MoneyV2", "MoneyBag", "PageInfo", "LocationAddress"}
# Stands in for the response's data when only an estimate is wanted.
ESTIMATE: Any = object()

Selections = dict[str, list[tuple[FieldNode, GraphQLNamedType]]]


def page_weight(size: int) -> int:
    """Return the number of nodes that Shopify charges for a page of `size` nodes.

    This number grows with the logarithm of the size.
    """
    return max(1, int(2 * math.log(size))) if size > 0 else 1


class CostRules:
    """Shopify's cost rules, applied to the operations of one document with given variables."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, variables: dict[str, Any]
    ) -> None:
        self._schema = schema
        self._variables = variables
        self._fragments = {
            each.name.value: each
            for each in document.definitions
            if isinstance(each, FragmentDefinitionNode)
        }

    def cost(self, operation: OperationDefinitionNode, data: Any = ESTIMATE) -> int:
        """Return the operation's cost in points, calculated from its response `data`.

        Without `data`, return the estimate that is charged in advance.
        """
        root = self._schema.get_root_type(operation.operation)
        if root is None or data is None:
            return 1
        return max(1, self._selection([operation.selection_set], root, data))

    def _selection(
        self, sets: Iterable[SelectionSetNode], kind: GraphQLNamedType, data: Any
    ) -> int:
        fields: Selections = {}
        alternatives: dict[str, list[InlineFragmentNode | FragmentDefinitionNode]] = {}
        for each in sets:
            self._collect(each, kind, fields, alternatives)
        total = sum(self._field(nodes, _under(data, key)) for key, nodes in fields.items())
        # A node is of one type only, so just the most expensive of the type conditions counts.
        dearest = 0
        for name, fragments in alternatives.items():
            narrowed = self._schema.get_type(name)
            if narrowed is not None:
                inner = [fragment.selection_set for fragment in fragments]
                dearest = max(dearest, self._selection(inner, narrowed, data))
        return total + dearest

    def _collect(
        self,
        selection_set: SelectionSetNode,
        kind: GraphQLNamedType,
        fields: Selections,
        alternatives: dict[str, list[InlineFragmentNode | FragmentDefinitionNode]],
    ) -> None:
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                if self._included(node):
                    key = (node.alias or node.name).value
                    fields.setdefault(key, []).append((node, kind))
                continue
            if not isinstance(node, FragmentSpreadNode | InlineFragmentNode):
                continue
            if not self._included(node):
                continue
            fragment = (
                self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            )
            condition = fragment.type_condition
            if (
                condition is None
                or condition.name.value == kind.name
                or isinstance(kind, GraphQLObjectType)
            ):
                self._collect(fragment.selection_set, kind, fields, alternatives)
            else:
                alternatives.setdefault(condition.name.value, []).append(fragment)

    def _included(self, node: FieldNode | FragmentSpreadNode | InlineFragmentNode) -> bool:
        for directive in node.directives or ():
            condition = next((self._value(a.value) for a in directive.arguments or ()), None)
            if (directive.name.value, condition) in (("skip", True), ("include", False)):
                return False
        return True

    def _value(self, node: Any) -> Any:
        return value_from_ast_untyped(node, self._variables)

    def _field(self, nodes: list[tuple[FieldNode, GraphQLNamedType]], data: Any) -> int:
        node, parent = nodes[0]
        declared = getattr(parent, "fields", {}).get(node.name.value)
        kind = get_named_type(declared.type) if declared else None
        if kind is None or is_leaf_type(kind):
            return 0
        sets = [each.selection_set for each, _ in nodes if each.selection_set]
        if parent is self._schema.mutation_type:
            return self._mutation(sets, kind, data)
        if parent is self._schema.query_type and kind.name == "Count":
            return COUNT
        if kind.name.endswith("Connection") and data is not None:
            return self._connection(node, sets, kind, data)
        return self._objects(sets, kind, data)

    def _objects(self, sets: list[SelectionSetNode], kind: GraphQLNamedType, data: Any) -> int:
        if data is None:
            return 0
        own = 0 if kind.name in FREE or kind.name.endswith("UserError") else 1
        rows = data if isinstance(data, list) else [data]
        found = [self._selection(sets, kind, each) for each in rows if each is not None]
        return own + max(found, default=0)

    def _mutation(self, sets: list[SelectionSetNode], kind: GraphQLNamedType, data: Any) -> int:
        if data is None:
            return MUTATION
        fields: Selections = {}
        for each in sets:
            self._collect(each, kind, fields, {})
        extra = 0
        for key, nodes in fields.items():
            points = self._field(nodes, _under(data, key))
            # The ten points cover the objects directly in the payload.
            named = get_named_type(getattr(kind, "fields", {})[nodes[0][0].name.value].type)
            priced_alone = named.name in FREE or named.name.endswith(("UserError", "Connection"))
            extra += points if priced_alone or points == 0 else points - 1
        return MUTATION + max(0, extra)

    def _connection(
        self, node: FieldNode, sets: list[SelectionSetNode], kind: GraphQLNamedType, data: Any
    ) -> int:
        arguments = {a.name.value: self._value(a.value) for a in node.arguments or ()}
        weight = page_weight(arguments.get("first") or arguments.get("last") or 0)
        fields: Selections = {}
        for each in sets:
            self._collect(each, kind, fields, {})
        children = {
            key: nodes
            for key, nodes in fields.items()
            if nodes[0][0].name.value in ("nodes", "edges")
        }
        if data is ESTIMATE:
            one = sum(self._child(nodes, ESTIMATE) for nodes in children.values())
            return 2 + weight * max(one, 1)
        rows = max((len(data[key]) for key in children), default=0)
        points = sum(
            self._child(nodes, row) for key, nodes in children.items() for row in data[key]
        )
        # A page with fewer rows than its weight is charged for its rows, any other by its weight.
        return 2 + math.ceil(points * min(weight, rows) / rows) if rows else 2

    def _child(self, nodes: list[tuple[FieldNode, GraphQLNamedType]], row: Any) -> int:
        field, parent = nodes[0]
        kind = get_named_type(getattr(parent, "fields", {})[field.name.value].type)
        sets = [each.selection_set for each, _ in nodes if each.selection_set]
        if field.name.value == "nodes":
            return 1 + self._selection(sets, kind, row)
        fields: Selections = {}
        for each in sets:
            self._collect(each, kind, fields, {})
        inner = next((found for found in fields.values() if found[0][0].name.value == "node"), None)
        if inner is None:
            return 0
        kind = get_named_type(getattr(kind, "fields", {})["node"].type)
        key = (inner[0][0].alias or inner[0][0].name).value
        sets = [each.selection_set for each, _ in inner if each.selection_set]
        return 1 + self._selection(sets, kind, _under(row, key))


def _under(data: Any, key: str) -> Any:
    if data is ESTIMATE:
        return ESTIMATE
    return data.get(key) if isinstance(data, dict) else None
