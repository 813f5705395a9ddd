"""Deep-partial updates: a field that is absent is left unchanged, and null clears a field.

A settings document is one strict pydantic model. `partial_of` derives the PATCH schema from it, so
the two cannot drift apart.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, create_model

Document = TypeVar("Document", bound=BaseModel)


class _Unset:
    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Any = _Unset()


@dataclass(frozen=True, slots=True)
class Marker:
    """A property of a field that the field's type does not express."""

    name: str


# Only named actions change such a field; a PATCH does not accept it.
READ_ONLY = Marker("read only")
# Shoppers read such a text, and it may be translated for each locale.
TRANSLATABLE = Marker("translatable")


class Settings(BaseModel):
    """Base of all settings documents, which reject unknown fields and validate assignments."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)


@cache
def partial_of(document: type[BaseModel], **more: Any) -> type[BaseModel]:
    """Return the PATCH model of `document`, with all writable fields optional at every depth.

    `more` are the types of fields that only the PATCH has.
    """
    # A field that is left out stays as it is, so the schema must not name a default for it.
    fields: dict[str, Any] = {
        name: (kind, Field(default=None, json_schema_extra=_drop_default))
        for name, kind in more.items()
    }
    for name, field in document.model_fields.items():
        if READ_ONLY in field.metadata:
            continue
        optional = copy(field)
        optional.default, optional.default_factory = None, None
        optional.annotation = _partial_annotation(field.annotation)
        optional.json_schema_extra = _drop_default
        fields[name] = (optional.annotation, optional)
    title = document.__name__.removesuffix("Patch")
    return create_model(f"{title}Patch", __config__=ConfigDict(extra="forbid"), **fields)


def merge(document: Document, changes: dict[str, Any]) -> Document:
    """Return a validated copy of `document` with `changes` merged into it.

    Objects are merged; lists and other values are replaced. Raises pydantic's ValidationError if
    the result is not a valid document.
    """
    return reread(type(document).model_validate(_merged(stored(document), changes)))


def reread(document: Document) -> Document:
    """Return a document as it will be when it is read back from the database.

    Raises pydantic's ValidationError if it could not be read back: a field that normalises its
    value may produce a value that the same field rejects.
    """
    return type(document).model_validate(stored(document))


def stored(document: BaseModel) -> dict[str, Any]:
    """Return a document's fields as the JSON values to store, without computed fields."""
    return document.model_dump(mode="json", exclude_computed_fields=True)


def assign(target: object, **values: Any) -> None:
    """Set each attribute of `target` to the given value, except those whose value is UNSET."""
    for name, value in values.items():
        if value is not UNSET:
            setattr(target, name, value)


def marked_paths(document: type[BaseModel], marker: Marker, prefix: str = "") -> Iterator[str]:
    """Yield the dotted path of every field that has `marker`, in the document's order."""
    for name, field in document.model_fields.items():
        if marker in field.metadata:
            yield prefix + name
        for kind in _documents(field.annotation):
            yield from marked_paths(kind, marker, f"{prefix}{name}.")


def _documents(annotation: Any) -> Iterator[type[BaseModel]]:
    kinds = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    yield from (kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))


def _merged(base: Any, changes: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(changes, dict)):
        return changes
    return base | {key: _merged(base.get(key), value) for key, value in changes.items()}


def _partial_annotation(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return partial_of(annotation)
    if get_origin(annotation) in (Union, UnionType):
        return Union[tuple(_partial_annotation(arg) for arg in get_args(annotation))]  # noqa: UP007 - the members are only known at run time
    if get_origin(annotation) is dict:
        # An object with names of the caller's choice is merged name by name, but a list is replaced.
        key, value = get_args(annotation)
        return dict[key, _partial_annotation(value)]  # type: ignore[misc, valid-type] # only known at run time
    return annotation


def _drop_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)
