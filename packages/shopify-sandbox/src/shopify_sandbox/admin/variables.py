"""Validation of a request's variables, with Shopify's INVALID_VARIABLE errors."""

from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    coerce_input_value,
    is_input_type,
    print_ast,
    type_from_ast,
)

LONGEST_LIST = 250

Problem = dict[str, Any]


def variable_errors(
    schema: GraphQLSchema, operation: OperationDefinitionNode, given: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return an error for each variable that has the wrong type or too long a list."""
    errors: list[dict[str, Any]] = []
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        declared = type_from_ast(schema, definition.type)
        kind = declared if is_input_type(declared) else None
        if name not in given and definition.default_value is not None:
            continue
        value = given.get(name)
        problems = list(_problems(value, kind, ()))
        if not problems and (length := _longest_list(value)) > LONGEST_LIST:
            errors.append(
                {
                    "message": (
                        f"The input array size of {length} is greater than the maximum allowed "
                        f"of {LONGEST_LIST}."
                    ),
                    "path": [name],
                    "extensions": {"code": "MAX_INPUT_SIZE_EXCEEDED"},
                }
            )
        if not problems:
            continue
        detail = ", ".join(
            (f"for {'.'.join(map(str, each['path']))} " if each["path"] else "")
            + f"({each['explanation']})"
            for each in problems
        )
        start = definition.loc.start_token if definition.loc else None
        locations = [{"line": start.line, "column": start.column}] if start else []
        errors.append(
            {
                "message": (
                    f"Variable ${name} of type {print_ast(definition.type)} "
                    f"was provided invalid value {detail}"
                ),
                "locations": locations,
                "extensions": {"code": "INVALID_VARIABLE", "value": value, "problems": problems},
            }
        )
    return errors


def _problems(  # noqa: PLR0911 — one answer per kind of type
    value: Any, kind: GraphQLInputType | None, path: tuple[str | int, ...]
) -> list[Problem]:
    if isinstance(kind, GraphQLNonNull):
        if value is None:
            return [{"path": list(path), "explanation": "Expected value to not be null"}]
        return _problems(value, kind.of_type, path)
    if value is None or kind is None:
        return []
    if isinstance(kind, GraphQLList):
        items = value if isinstance(value, list) else [value]
        return [
            problem
            for index, item in enumerate(items)
            for problem in _problems(item, kind.of_type, (*path, index))
        ]
    if isinstance(kind, GraphQLInputObjectType):
        return _object_problems(value, kind, path)
    if coerce_input_value(value, kind) is not Undefined:
        return []
    if isinstance(kind, GraphQLEnumType):
        explanation = f'Expected "{value}" to be one of: {", ".join(kind.values)}'
    else:
        explanation = f"Could not coerce value {value!r} to {kind}"
    return [{"path": list(path), "explanation": explanation}]


def _object_problems(
    value: Any, kind: GraphQLInputObjectType, path: tuple[str | int, ...]
) -> list[Problem]:
    if not isinstance(value, dict):
        return [
            {"path": list(path), "explanation": f"Expected {value!r} to be a key-value object."}
        ]
    problems = [
        {"path": [*path, name], "explanation": f"Field is not defined on {kind.name}"}
        for name in value
        if name not in kind.fields
    ]
    for name, declared in kind.fields.items():
        problems += _problems(value.get(name), declared.type, (*path, name))
    return problems


def _longest_list(value: Any) -> int:
    if isinstance(value, dict):
        return max((_longest_list(each) for each in value.values()), default=0)
    if isinstance(value, list):
        return max([len(value), *(_longest_list(each) for each in value)])
    return 0
