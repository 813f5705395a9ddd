"""Deep-partial updates: an absent field is left alone, null clears it.

A settings document is one strict pydantic model. `partial_of` derives the PATCH schema from it,
so the two cannot drift apart.
"""

from copy import copy
from functools import cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, create_model

Document = TypeVar("Document", bound=BaseModel)


class _Unset:
    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Any = _Unset()


class Settings(BaseModel):
    """Base of every settings document: strict about unknown fields, checked on assignment."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)


@cache
def partial_of(document: type[BaseModel]) -> type[BaseModel]:
    """Return `document` with every field optional, at every depth."""
    fields: dict[str, Any] = {}
    for name, field in document.model_fields.items():
        optional = copy(field)
        optional.default, optional.default_factory = None, None
        optional.annotation = _partial_annotation(field.annotation)
        optional.json_schema_extra = _drop_default
        fields[name] = (optional.annotation, optional)
    return create_model(
        f"{document.__name__}Patch", __config__=ConfigDict(extra="forbid"), **fields
    )


def merge(document: Document, changes: dict[str, Any]) -> Document:
    """Return a validated copy of `document` with `changes` laid over it.

    Objects merge, lists and values are replaced. Raises pydantic's ValidationError when the
    outcome is not a valid document.
    """
    return type(document).model_validate(_merged(stored(document), changes))


def stored(document: BaseModel) -> dict[str, Any]:
    """Return the fields of a document that are kept, as JSON values without the computed ones."""
    return document.model_dump(mode="json", exclude_computed_fields=True)


def assign(target: BaseModel, **values: Any) -> None:
    """Set the attributes that were given; skip those left UNSET."""
    for name, value in values.items():
        if value is not UNSET:
            setattr(target, name, value)


def _merged(base: Any, changes: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(changes, dict)):
        return changes
    return base | {key: _merged(base.get(key), value) for key, value in changes.items()}


def _partial_annotation(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return partial_of(annotation)
    if get_origin(annotation) in (Union, UnionType):
        return Union[tuple(_partial_annotation(arg) for arg in get_args(annotation))]  # noqa: UP007 - the members are only known at run time
    return annotation


def _drop_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)
