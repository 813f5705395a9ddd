"""The GraphQL documents that we send: one named operation per file."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

_OPERATION = re.compile(r"^(query|mutation)\s+(\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Document:
    """One operation: its text, and whether it changes the shop."""

    name: str
    kind: Literal["query", "mutation"]
    text: str


@cache
def document(name: str) -> Document:
    """Load the operation `name` from its file.

    Raises ValueError unless the file contains exactly one operation, which has this name.
    """
    text = files(__name__).joinpath(f"{name}.graphql").read_text(encoding="utf-8")
    found = _OPERATION.findall(text)
    if len(found) != 1 or found[0][1] != name:
        raise ValueError(f"{name}.graphql must hold exactly one operation, named {name}")
    return Document(name, found[0][0], text)


def names() -> list[str]:
    """List the names of all operations."""
    return sorted(
        entry.name.removesuffix(".graphql")
        for entry in files(__name__).iterdir()
        if entry.name.endswith(".graphql")
    )
