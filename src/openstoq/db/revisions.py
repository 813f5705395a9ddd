"""Revisions: the migrations of this release in order.

They are read from their files without Alembic, which takes half a second to load and which only a
process that migrates needs.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

_FOLDER = Path(__file__).parent / "migrations" / "versions"


class Revision(NamedTuple):
    """A migration: its name, the name of the one before it, and its phase in an upgrade.

    A `pre` revision runs before the code is replaced. A `post` revision runs only after the code
    has been replaced everywhere.
    """

    revision: str
    down_revision: str | None
    phase: str


@cache
def revisions() -> tuple[Revision, ...]:
    """Return the revisions, the oldest first; raise ValueError if they are not one chain."""
    found = [_read(file) for file in _FOLDER.glob("[0-9]*.py")]
    following = {one.down_revision: one for one in found}
    chain: list[Revision] = []
    while (last := chain[-1].revision if chain else None) in following:
        chain.append(following.pop(last))
    if len(chain) != len(found):
        raise ValueError(f"the migrations in {_FOLDER} are not one chain")
    return tuple(chain)


@cache
def too_old() -> frozenset[str]:
    """Return the revisions at which a database is too old for this release's code."""
    names = [one.revision for one in revisions()]
    needed = max(place for place, one in enumerate(revisions()) if one.phase == "pre")
    return frozenset(names[:needed])


def _read(file: Path) -> Revision:
    values = dict(_constants(ast.parse(file.read_bytes())))
    return Revision(values["revision"], values["down_revision"], values["phase"])


def _constants(module: ast.Module) -> Iterator[tuple[str, Any]]:
    for node in module.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)):
                yield name, value
