"""Find settings that nothing in `src` reads: `python -m tests.contract.unread_settings`.

A setting is a field of the capabilities of offers, of the back-in-stock settings, or of the
installation. It is read where code takes the attribute from an object of its class. Code that only
edits, checks or shows settings has no effect, so it does not count; nor does code that handles all
fields alike.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from inspect import get_annotations
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from openstoq.back_in_stock.settings.model import BackInStockSettings
from openstoq.config import Settings
from openstoq.messaging.brand import Brand
from openstoq.preorders.offers.capabilities import CAPABILITIES
from tests.contract.setting_reads import Types

SOURCE = Path(__file__).parents[2] / "src" / "openstoq"

# What API v1 shows of a setting, and what the settings of shops are shown as, has no effect.
SHOWN_ONLY = ("web/v1/", "preorders/offers/views.py", "commands/docs.py")
EDITED_ONLY = (
    "preorders/offers/capabilities/",
    "back_in_stock/settings/model.py",
    "back_in_stock/settings/actions.py",
    "config.py",
)

THEME = (
    "only the storefront's theme uses it, which reads it as JSON: a later issue builds the theme"
)
CHANNEL = "a later issue builds the channel"
LATER = "the README says that it is stored and without an effect until a later issue"

# Settings that are only stored today, with the reason. The list may only become shorter: a setting
# that is read, and one that does not exist, must not be in it. A name ends in * for all below it.
STORED_ONLY: Mapping[str, str] = {
    "back_in_stock.channels.push.enabled": CHANNEL,
    "back_in_stock.channels.sms.enabled": CHANNEL,
    "back_in_stock.alerts.*": LATER,
    "back_in_stock.delivery.any_variant.*": LATER,
    "back_in_stock.delivery.batching.*": LATER,
    "back_in_stock.delivery.locations.*": LATER,
    "back_in_stock.tagging.*": LATER,
    "offers.advanced.button_text_overrides.*": THEME,
    "offers.advanced.custom_css": THEME,
    "offers.checkout.terms.disable_button_until_acknowledged": THEME,
    "offers.countdown.*": THEME,
    "offers.inventory.continue_selling.auto_apply_to_new_variants": (
        "a second name of continue_selling.enabled, which is read"
    ),
    "offers.limits.display.*": THEME,
    "offers.payments.options.full.discount_text": THEME,
    "offers.payments.options.partial.discount_text": THEME,
    "offers.shipping.delivery.days": THEME,
    "offers.shipping.display.applies_to_all_products": THEME,
    "offers.shipping.display.preorder_shipping_text": THEME,
    "offers.shipping.display.shipping_text_prefix": THEME,
    "offers.shipping.display.show_shipping_text": THEME,
    "offers.shipping.display.show_shipping_timeline": THEME,
    "offers.widget.badge.*": THEME,
    "offers.widget.billing_widget.enabled": THEME,
    "offers.widget.button.*": THEME,
    "offers.widget.disclaimer.*": THEME,
}

# A path in JSON, in SQL: inventory->'continue_selling'->>'enabled'.
_PATH = re.compile(r"\w+(?:\.\w+)+")
_IN_SQL = re.compile(r"(?:(\w+)\s*)?((?:->>?'\w+')+)")


def settings() -> dict[str, tuple[type[BaseModel], str]]:
    """Return every setting by its path, with the class and the name of its field."""
    roots: list[tuple[str, type[BaseModel]]] = [
        *((f"offers.{one.name}", one.document) for one in CAPABILITIES),
        ("back_in_stock", BackInStockSettings),
        ("brand", Brand),
        ("installation", Settings),
    ]
    return {path: field for prefix, root in roots for path, field in _fields(root, prefix)}


def _fields(kind: type[BaseModel], path: str) -> Iterator[tuple[str, tuple[type[BaseModel], str]]]:
    for name, field in kind.model_fields.items():
        below = list(_models(field.annotation))
        for one in below:
            yield from _fields(one, f"{path}.{name}")
        if not below and not _is_fixed(field.annotation):
            owner = next(one for one in reversed(kind.__mro__) if name in _annotated(one))
            yield f"{path}.{name}", (owner, name)


def _annotated(kind: type[object]) -> Mapping[str, Any]:
    return get_annotations(kind)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for one in get_args(annotation):
        yield from _models(one)


def _is_fixed(annotation: Any) -> bool:
    """Return whether a field accepts a single value, so that there is nothing to read."""
    if annotation in (None, type(None)):
        return True
    return get_origin(annotation) is Literal and len(get_args(annotation)) == 1


def unread(sources: Mapping[str, str]) -> set[str]:
    """Return the paths of the settings that these sources, by their path, do not read."""
    known, holders = settings(), _holders()
    trees = {path: _parsed(text) for path, text in sources.items()}
    types = Types(trees.values(), holders)
    installation = set(_installation())
    read: set[tuple[str, str]] = set()
    ways: set[str] = set()
    for path, tree in trees.items():
        found = set(types.reads(tree, edits=path.startswith(EDITED_ONLY)))
        if path.startswith(SHOWN_ONLY):
            found &= installation
        elif not path.startswith(EDITED_ONLY):
            ways |= set(_ways(tree))
        read |= found
    return {
        path
        for path, (kind, name) in known.items()
        if (kind.__name__, name) not in read
        and not any(f".{path}".endswith(f".{way}") for way in ways)
    }


@cache
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


def _installation() -> Iterator[tuple[str, str]]:
    for path, (kind, name) in settings().items():
        if path.startswith("installation."):
            yield kind.__name__, name


def _ways(tree: ast.Module) -> Iterator[str]:
    """Yield the paths at which a module reads JSON: in SQL, in a mapping, or by the path itself."""
    named = {id(key) for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for column, steps in _IN_SQL.findall(node.value):
                yield ".".join(filter(None, (column, *re.findall(r"'(\w+)'", steps))))
            # The name of an entry is only shown.
            if _PATH.fullmatch(node.value) and id(node) not in named:
                yield f"offers.{node.value}"
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            steps = list(_steps(node))
            if len(steps) > 1:
                yield ".".join(steps)


def _steps(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        yield from _steps(node.value)
        yield str(node.slice.value)


def _holders() -> dict[str, list[type[BaseModel]]]:
    """Return the classes of documents and their parts, with their bases, by name.

    The installation's settings and an offer's have classes of the same name.
    """
    found: dict[str, list[type[BaseModel]]] = defaultdict(list)
    todo: list[type[BaseModel]] = [one.document for one in CAPABILITIES]
    todo += [BackInStockSettings, Brand, Settings]
    while todo:
        kind = todo.pop()
        for one in kind.__mro__:
            if issubclass(one, BaseModel) and one not in found[one.__name__]:
                found[one.__name__].append(one)
        todo += [one for field in kind.model_fields.values() for one in _models(field.annotation)]
    return found


def sources() -> dict[str, str]:
    """Return the text of each of our modules, by its path."""
    return {
        path.relative_to(SOURCE).as_posix(): path.read_text(encoding="utf-8")
        for path in SOURCE.rglob("*.py")
    }


def problems(stored_only: Mapping[str, str], found: set[str]) -> list[str]:
    """Return a sentence for each setting that nothing reads, and for each that is listed in vain."""

    def listed(path: str, name: str) -> bool:
        return path == name or (name.endswith("*") and path.startswith(name[:-1]))

    allowed = {path for path in found if any(listed(path, name) for name in stored_only)}
    return [
        *(
            f"{path} is stored and nothing reads it: give it its effect, or refuse it"
            for path in sorted(found - allowed)
        ),
        *(
            f"{name} is in STORED_ONLY, and code reads it or it does not exist: take it off"
            for name in stored_only
            if not any(listed(path, name) for path in found)
        ),
    ]


def main() -> None:
    """Print what nothing reads; exit with 1 if there is any."""
    said = problems(STORED_ONLY, unread(sources()))
    sys.stdout.write("".join(f"{one}\n" for one in said))
    sys.exit(1 if said else 0)


if __name__ == "__main__":
    main()
