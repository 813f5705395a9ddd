"""Rules by which Shopify takes a document, beyond those of GraphQL."""

import re
from collections.abc import Iterator
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    GraphQLInputType,
    NoDeprecatedCustomRule,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    is_input_object_type,
    parse,
    type_from_ast,
    validate,
    value_from_ast_untyped,
    visit,
)
from graphql.execution.values import get_variable_values

from shopify_sandbox.admin.cost import CostRules

from .load import SchemaFacts

MOST_ITEMS = 250
MOST_POINTS = 1000
GID = re.compile(r"gid://shopify/(\w+)/[^/\s]+")


def problems(facts: SchemaFacts, text: str, variables: dict[str, Any]) -> list[str]:
    """Return why Shopify refuses a document with these variables, or will do so later."""
    document = parse(text)
    rules = [*validate(facts.schema, document)]
    rules = rules or validate(facts.schema, document, [NoDeprecatedCustomRule])
    if rules:
        return [error.message for error in rules]
    (operation,) = _operations(document)
    return [
        *_variable_problems(facts, operation, variables),
        *_field_problems(facts, document, variables),
        *_cost_problems(facts, document, operation, variables),
    ]


def _operations(document: DocumentNode) -> list[OperationDefinitionNode]:
    return [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]


def _cost_problems(
    facts: SchemaFacts,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: dict[str, Any],
) -> Iterator[str]:
    cost = CostRules(facts.schema, document, variables).cost(operation)
    if cost > MOST_POINTS:
        yield f"{cost} points, of at most {MOST_POINTS}"


def _variable_problems(
    facts: SchemaFacts, operation: OperationDefinitionNode, variables: dict[str, Any]
) -> Iterator[str]:
    definitions = operation.variable_definitions or ()
    coerced = get_variable_values(facts.schema, definitions, variables)
    if isinstance(coerced, list):
        yield from (error.message for error in coerced)
    for definition in definitions:
        name = definition.variable.name.value
        kind: Any = type_from_ast(facts.schema, definition.type)
        yield from _value_problems(facts, f"${name}", kind, variables.get(name))


def _value_problems(
    facts: SchemaFacts, place: str, kind: GraphQLInputType | None, value: Any
) -> Iterator[str]:
    """Return what is wrong with a value: too many items, or an id of another kind of record."""
    if isinstance(value, list):
        if len(value) > MOST_ITEMS:
            yield f"{place}: {len(value)} items, of at most {MOST_ITEMS}"
        for each in value:
            yield from _value_problems(facts, place, kind, each)
        return
    named: Any = get_named_type(kind)
    if isinstance(value, dict) and is_input_object_type(named):
        for name, each in value.items():
            if name in named.fields:
                inner = named.fields[name].type
                yield from _value_problems(facts, f"{named.name}.{name}", inner, each)
    elif isinstance(value, str) and value.startswith("gid:"):
        yield from _id_problems(facts, place, value)


def _id_problems(facts: SchemaFacts, place: str, value: str) -> Iterator[str]:
    found = GID.fullmatch(value)
    if not found:
        yield f"{place}: {value} is no id"
    elif found[1] not in facts.id_kinds.get(place, {found[1]}):
        yield f"{place}: {found[1]} id given, Shopify asks for {facts.id_kinds[place]}"


def _field_problems(
    facts: SchemaFacts, document: DocumentNode, variables: dict[str, Any]
) -> Iterator[str]:
    information = TypeInfo(facts.schema)
    walk = _Walk(facts, information, variables)
    visit(document, TypeInfoVisitor(information, walk))
    yield from walk.problems


class _Walk(Visitor):
    """Judges each field on the way through a document."""

    def __init__(
        self, facts: SchemaFacts, information: TypeInfo, variables: dict[str, Any]
    ) -> None:
        super().__init__()
        self.facts = facts
        self.information = information
        self.variables = variables
        self.problems: list[str] = []

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        declared = self.information.get_field_def()
        name, given = node.name.value, {each.name.value for each in node.arguments or ()}
        connection = declared and get_named_type(declared.type).name.endswith("Connection")
        if connection and not given & {"first", "last"}:
            self.problems.append(f"{name}: a connection needs first or last")
        if self.information.get_parent_type() is self.facts.schema.mutation_type:
            directives = {each.name.value for each in node.directives or ()}
            if name in self.facts.needs_key and "idempotent" not in directives:
                self.problems.append(f"{name}: needs @idempotent")

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        parent: Any = self.information.get_parent_type()
        field = self.information.get_field_def()
        argument = self.information.get_argument()
        if not (parent and field and argument):
            return
        name, value = node.name.value, value_from_ast_untyped(node.value, self.variables)
        if name in {"first", "last"} and isinstance(value, int) and value > MOST_ITEMS:
            self.problems.append(f"{name}: {value} of a page, of at most {MOST_ITEMS}")
        (called,) = [each for each, about in parent.fields.items() if about is field]
        place = f"{parent.name}.{called}({name})"
        self.problems += _value_problems(self.facts, place, argument.type, value)
