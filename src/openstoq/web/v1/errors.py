"""The errors of API v1: the status and the shape that the reference gives each operation."""

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from openstoq.actions.action import Action
from openstoq.actions.admission import PointsSpent
from openstoq.errors import BadRequest, Conflict, Invalid, Problem
from openstoq.web import responses
from openstoq.web.v1 import intents, plan_variants, selling_plans
from openstoq.web.v1.requests import TransferSignups
from openstoq.web.v1.selling_plans import PlanProblems

Shape = Callable[[Problem], dict[str, Any]]

# The reference has no 400 for these: it answers values that do not fit with 422.
_WITHOUT_400 = frozenset({intents.NOTIFY, selling_plans.CREATE, selling_plans.UPDATE})
# The field of update_variant_settings that says what to change; the others are the settings.
_NAMES_A_VARIANT = "shopify_variant_id"


def refused(problem: Problem, operation: Action) -> Response:
    """Respond to a problem with the status and the shape that the operation's reference gives."""
    if isinstance(problem, PointsSpent):
        return responses.problem(problem)
    status = _status(problem, operation)
    shape = _SHAPES.get(operation, _text) if status == Invalid.status else _text
    return responses.json(shape(problem), status, responses.headers_of(problem))


def _status(problem: Problem, operation: Action) -> int:
    if isinstance(problem, Conflict):
        return Invalid.status
    if not isinstance(problem, Invalid) or problem.details or operation in _WITHOUT_400:
        return problem.status
    if operation is plan_variants.UPDATE_SETTINGS:
        is_unnamed = any(one.startswith(_NAMES_A_VARIANT) for one in problem.messages)
        return BadRequest.status if is_unnamed else problem.status
    return BadRequest.status


def _text(problem: Problem) -> dict[str, Any]:
    return {**responses.sentences_of(problem.messages, responses.V1), **problem.details}


def _by_plan_field(problem: Problem) -> dict[str, Any]:
    """Return the errors by field, as Rails does; errors that concern no field are under `base`."""
    return dict(problem.details or PlanProblems.of(problem.messages).details)


def _of_transfer(problem: Problem) -> dict[str, Any]:
    by_field: dict[str, list[str]] = {}
    for message in problem.messages:
        name, _, sentence = message.partition(" ")
        if name not in TransferSignups.model_fields:
            name, sentence = "base", message
        by_field.setdefault(name, []).append(sentence)
    return {"errors": by_field}


def _with(name: str) -> Shape:
    """Return a function that turns a problem into a body with a sentence and a list of ids.

    `name` is the list's key in the body. The list is empty if the problem has no such ids.
    """
    return lambda problem: {name: []} | _text(problem)


def _with_details(problem: Problem) -> dict[str, Any]:
    return {"error": "Failed to update variant settings", "details": problem.messages}


_SHAPES: dict[Action, Shape] = {
    intents.DESTROY: _with("sent_intent_ids"),
    intents.TRANSFER: _of_transfer,
    selling_plans.CREATE: _by_plan_field,
    selling_plans.UPDATE: _by_plan_field,
    plan_variants.ADD: _with("existing_variants"),
    plan_variants.UPDATE_SETTINGS: _with_details,
}
