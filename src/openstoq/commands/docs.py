"""`openstoq docs`: write the reference pages and scripts that are generated from the code."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from openstoq.config import Settings, variable
from openstoq.db.citus import distribution
from openstoq.registry import ACTIONS

_MADE = "<!-- Made by `openstoq docs`; edit the code instead. -->\n"

app = typer.Typer(add_completion=False)


@app.command()
def docs(
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether they are current.")
    ] = False,
) -> None:
    """Write docs/configuration.md, docs/actions.md and deploy/citus.sql from the code."""
    stale = []
    for name, text in pages().items():
        file = Path(name)
        if file.exists() and file.read_text(encoding="utf-8") == text:
            continue
        stale.append(str(file))
        if not check:
            file.write_text(text, encoding="utf-8")
    if check and stale:
        sys.exit(f"not current: {', '.join(stale)}; run `openstoq docs`")


def pages() -> dict[str, str]:
    """Return the text of each generated file by its path in the repository."""
    return {
        "docs/configuration.md": "\n".join(_configuration()) + "\n",
        "docs/actions.md": "\n".join(_actions()) + "\n",
        "deploy/citus.sql": distribution(),
    }


def _configuration() -> Iterator[str]:
    yield f"{_MADE}\n# Configuration\n"
    yield "Every setting is an environment variable, read once when a process starts. An unknown name"
    yield "in a known group is an error."
    for group, field in Settings.model_fields.items():
        model = field.annotation
        if not isinstance(model, type):
            raise TypeError(f"the group {group} is not a model")
        yield f"\n## {group}\n\n{model.__doc__}\n"
        yield "| variable | default | what it is for |\n|---|---|---|"
        for name, setting in model.model_fields.items():
            meaning = " ".join(filter(None, (setting.description, _allowed(setting))))
            yield f"| `{variable(group, name)}` | {_default(setting)} | {meaning} |"


def _default(setting: FieldInfo) -> str:
    value: Any = setting.default
    if value is None or isinstance(value, SecretStr) or value == "":
        return "unset"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _allowed(setting: FieldInfo) -> str | None:
    """Return a sentence about the values that a setting accepts, or None if it accepts all."""
    if get_origin(setting.annotation) is Literal:
        return f"One of {', '.join(f'`{choice}`' for choice in get_args(setting.annotation))}."
    least = next((bound.ge for bound in setting.metadata if hasattr(bound, "ge")), None)
    most = next((bound.le for bound in setting.metadata if hasattr(bound, "le")), None)
    return f"From {least} to {most}." if least is not None and most is not None else None


def _actions() -> Iterator[str]:
    yield f"{_MADE}\n# Actions of API v2\n"
    yield "Below `/api/v2/external`. `GET /help` says the same, with the schema of each request."
    section = ""
    for action in ACTIONS:
        owner = action.name.rpartition(".")[0]
        if owner != section:
            section = owner
            yield f"\n## {section}"
        yield f"\n### `{action.method} {action.path}`\n\n`{action.name}` — {action.summary}"
        if action.note:
            yield f"\n{action.note}"
        yield f"\nAlso: {', '.join(action.aliases)}."
