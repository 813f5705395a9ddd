"""Stored documents: read them even if another release or a manual edit left invalid values.

A value that cannot be read is treated as unset, and is reported. The other values are kept.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Document = TypeVar("Document", bound=BaseModel)

# The most values that are left out. A document with more invalid values is not one of ours.
_MOST = 100


def readable(kind: type[Document], stored: Any, name: str) -> tuple[Document, list[str]]:
    """Return a stored document, and a sentence for each value that could not be read.

    Such a value is replaced by its default. The sentence contains the value's path, which begins
    with `name`, but not the value itself.
    """
    problems: list[str] = []
    values = stored
    for _ in range(_MOST):
        try:
            return kind.model_validate(values), list(dict.fromkeys(problems))
        except RecursionError:
            break
        except ValidationError as error:
            values = deepcopy(values)
            removed = [_removed(values, told["loc"]) for told in error.errors()]
        if not any(removed):
            break
        problems += [_sentence(".".join((name, *path))) for path in removed if path]
    return kind(), [_sentence(name)]


def _sentence(path: str) -> str:
    return f"the stored value of {path} is invalid, so its default is used; set it again"


def _removed(values: Any, place: tuple[int | str, ...]) -> tuple[str, ...]:
    """Delete the value at an error's location, or else the innermost value around that location.

    Return the path of the deleted value, which is empty if nothing could be deleted.
    """
    way = list(_way(values, place))
    if not way:
        return ()
    holder, key = way[-1]
    del holder[key]
    return tuple(str(step) for _, step in way)


def _way(values: Any, place: tuple[int | str, ...]) -> Iterator[tuple[dict[str, Any], str]]:
    """Follow an error's location into `values`; yield each object on the way and its next key.

    A location may also contain type names, which are skipped because they are no keys.
    """
    for step in place:
        if not isinstance(values, dict):
            return
        if step in values:
            yield values, str(step)
            values = values[str(step)]
