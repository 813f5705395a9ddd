"""Declarations: read the keyword-only parameters and the docstring of a function."""

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

from pydantic import Field

from openstoq.kernel.patch import UNSET


def keyword_fields(function: Callable[..., Any]) -> dict[str, Any]:
    """Return a function's keyword-only parameters as pydantic field definitions, in order.

    A parameter with the default UNSET is optional, and keeps the value UNSET if it is left out.
    Raises TypeError if a parameter has no annotation.
    """
    hints = get_type_hints(function, include_extras=True)
    parameters = [
        parameter
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY
    ]
    for parameter in parameters:
        if parameter.name not in hints:
            raise TypeError(f"{function.__qualname__}: annotate {parameter.name}")
    return {
        parameter.name: (hints[parameter.name], _default(parameter)) for parameter in parameters
    }


def _default(parameter: inspect.Parameter) -> Any:
    if parameter.default is UNSET:
        # A schema cannot express UNSET as a default.
        return Field(default_factory=lambda: UNSET)
    return ... if parameter.default is parameter.empty else parameter.default


def documentation(function: Callable[..., Any]) -> tuple[str, str]:
    """Split a function's docstring into its first paragraph and the rest, each on a single line.

    Raises TypeError if there is no docstring, because /help shows it.
    """
    doc = inspect.getdoc(function)
    if not doc:
        raise TypeError(f"{function.__module__}.{function.__qualname__} has no docstring")
    summary, _, note = doc.partition("\n\n")
    return " ".join(summary.split()), " ".join(note.split())
