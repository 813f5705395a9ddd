"""The steps of a GraphQL request: parse, validate, charge points, execute, refund unused points."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    execute_sync,
    parse,
    validate,
    value_from_ast_untyped,
)

from shopify_sandbox.admin.cost import CostRules
from shopify_sandbox.admin.errors import document_error
from shopify_sandbox.admin.idempotency import Replays
from shopify_sandbox.admin.records import Context
from shopify_sandbox.admin.schema import executable_schema, kind_of
from shopify_sandbox.admin.throttle import Bucket
from shopify_sandbox.admin.variables import variable_errors
from shopify_sandbox.shop import Shop

MOST_EXPENSIVE = 1000

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """A GraphQL request, as a client posted it."""

    query: str
    variables: dict[str, Any]
    operation_name: str | None


class AdminAPI:
    """The GraphQL API of one shop."""

    def __init__(self, shop: Shop, bucket: Bucket, *, allow_http: bool) -> None:
        self.shop = shop
        self.bucket = bucket
        self._context = Context(shop, Replays(), allow_http)
        self._schema = executable_schema()

    def lost_answer(self) -> bool:
        """Return whether the response to the last operation must be lost.

        The next call returns False, so that only this one response is lost.
        """
        lost = self._context.lost_answer
        self._context.lost_answer = False
        return lost

    def execute(self, request: Request, *, throttled: bool = False) -> Answer:
        """Return the response to a request; `throttled` treats the bucket as empty."""
        document, errors = _read(request.query)
        if document is None or errors:
            return {"errors": errors}
        operation = _choose(document, request.operation_name)
        if isinstance(operation, dict):
            return {"errors": [operation]}
        if wrong := variable_errors(self._schema, operation, request.variables):
            return {"errors": wrong}
        rules = CostRules(self._schema, document, _with_defaults(operation, request.variables))
        requested = rules.cost(operation)
        if requested > MOST_EXPENSIVE:
            return {"errors": [_too_expensive(requested)]}
        if throttled or not self.bucket.take(requested):
            return {"errors": [_THROTTLED], "extensions": self._cost(requested, None)}
        result = execute_sync(
            self._schema,
            document,
            context_value=self._context,
            variable_values=request.variables,
            operation_name=request.operation_name,
            type_resolver=kind_of,
        )
        actual = min(requested, rules.cost(operation, result.data))
        self.bucket.give_back(requested - actual)
        return {**_body(result), "extensions": self._cost(requested, actual)}

    def _cost(self, requested: int, actual: int | None) -> Answer:
        return {
            "cost": {
                "requestedQueryCost": requested,
                "actualQueryCost": actual,
                "throttleStatus": self.bucket.status(),
            }
        }


# Clients send the same few documents over and over.
@lru_cache(maxsize=256)
def _read(text: str) -> tuple[DocumentNode | None, list[dict[str, Any]]]:
    try:
        document = parse(text)
    except GraphQLError as error:
        return None, [{**error.formatted}]
    return document, [document_error(each) for each in validate(executable_schema(), document)]


def _choose(document: DocumentNode, name: str | None) -> OperationDefinitionNode | dict[str, Any]:
    operations = [
        each for each in document.definitions if isinstance(each, OperationDefinitionNode)
    ]
    if name is None and len(operations) == 1:
        return operations[0]
    for each in operations:
        if name is not None and each.name and each.name.value == name:
            return each
    if name is None:
        return {"message": "An operation name is required"}
    return {"message": f'No operation named "{name}"'}


def _with_defaults(operation: OperationDefinitionNode, given: dict[str, Any]) -> dict[str, Any]:
    defaults = {
        each.variable.name.value: value_from_ast_untyped(each.default_value)
        for each in operation.variable_definitions or ()
        if each.default_value is not None
    }
    return {**defaults, **given}


def _body(result: ExecutionResult) -> Answer:
    if not result.errors:
        return {"data": result.data}
    return {"errors": [error.formatted for error in result.errors], "data": result.data}


_THROTTLED = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}


def _too_expensive(cost: int) -> dict[str, Any]:
    return {
        "message": (
            f"Query cost is {cost}, which exceeds the single query max cost limit "
            f"({MOST_EXPENSIVE})."
        ),
        "extensions": {"code": "MAX_COST_EXCEEDED", "cost": cost, "maxCost": MOST_EXPENSIVE},
    }
