"""Reduce Shopify's schema to a table of what the sandbox and our documents name.

A row has a name, a type, notes, and the version if only one of them has it:

- `Order`: a type; its type says which kind it is, and which interfaces it implements.
- `Order.id`: a field, a field of an input, or a value.
- `Order.lineItems(first)`: an argument.
- `@idempotent`: a directive, and where it may stand.

Notes are `deprecated`, `idempotent` (the mutation needs a key), and `id=` with the kinds of record
that an id may name.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphql import (
    FieldNode,
    InlineFragmentNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_client_schema,
    build_schema,
    get_named_type,
    introspection_from_schema,
    parse,
    visit,
)

from openstoq.commerce.shopify.subscriptions import TOPICS
from shopify_sandbox.admin.schema import schema_text

COSTS = Path(__file__).with_name("recorded_costs.jsonl")
IDEMPOTENT = "idempotent"
NEEDS_A_KEY = "idempotency key is required"
SCALARS = {"Boolean", "Float", "ID", "Int", "String"}

Row = tuple[str, str, str, str]


def table(files: dict[str, Path]) -> list[Row]:
    """Return the rows of every version; one that all versions have bears no version."""
    versions: dict[tuple[str, str, str], list[str]] = {}
    for version, file in files.items():
        for row in Reduction(json.loads(gzip.decompress(file.read_bytes()))).rows():
            versions.setdefault(row, []).append(version)
    return sorted(
        (*row, "" if found == list(files) else ",".join(found)) for row, found in versions.items()
    )


class Reduction:
    """One version of Shopify's schema, and the names of it that we keep."""

    def __init__(self, introspection: Any) -> None:
        data = introspection.get("data", introspection)
        self.types = {each["name"]: each for each in data["__schema"]["types"]}
        (self._directive,) = (
            each for each in data["__schema"]["directives"] if each["name"] == IDEMPOTENT
        )
        # Six fields are deprecated while their interface's are not, which is not allowed.
        self.schema = build_client_schema(data, assume_valid=True)
        self.kept: dict[str, set[str]] = {}
        self._keep_what_the_sandbox_has()
        self._keep_what_was_recorded()
        self.kept["WebhookSubscriptionTopic"] |= {
            topic.upper().replace("/", "_") for topic in TOPICS
        }
        self._keep_what_is_required()

    def keep(self, kind: str, member: str | None = None) -> None:
        """Keep a type, and a member of it: `field`, `field(argument)` or a value."""
        if kind in self.types and kind not in SCALARS and not kind.startswith("__"):
            members = self.kept.setdefault(kind, set())
            if member is not None:
                members.add(member)

    def _keep_what_the_sandbox_has(self) -> None:
        ours: Any = introspection_from_schema(build_schema(schema_text()))
        for kind in ours["__schema"]["types"]:
            if kind["name"].startswith("__"):
                continue
            self.keep(kind["name"])
            for member in _members(kind):
                self.keep(kind["name"], member["name"])
                for argument in member.get("args", ()):
                    self.keep(kind["name"], f"{member['name']}({argument['name']})")

    def _keep_what_was_recorded(self) -> None:
        for line in COSTS.read_text(encoding="utf-8").splitlines():
            information = TypeInfo(self.schema)
            keeper = _Keeper(self, information)
            visit(parse(json.loads(line)["query"]), TypeInfoVisitor(information, keeper))

    def _keep_what_is_required(self) -> None:
        """Keep what a request may not leave out, and every type that is spoken of."""
        waiting = list(self.kept)
        while waiting:
            name = waiting.pop()
            for member in _members(self.types[name]):
                if self.types[name]["kind"] == "INPUT_OBJECT" and _required(member):
                    self.keep(name, member["name"])
                if member["name"] in self.kept[name]:
                    for argument in filter(_required, member.get("args", ())):
                        self.keep(name, f"{member['name']}({argument['name']})")
            known = set(self.kept)
            for _, declared in self._members_kept(name):
                if "type" in declared:
                    self.keep(_named(declared["type"]))
            waiting += self.kept.keys() - known

    def _members_kept(self, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Return the kept members of a type and their arguments, each with its place."""
        for member in _members(self.types[name]):
            if member["name"] not in self.kept[name]:
                continue
            place = f"{name}.{member['name']}"
            yield place, member
            for argument in member.get("args", ()):
                if f"{member['name']}({argument['name']})" in self.kept[name]:
                    yield f"{place}({argument['name']})", argument

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Return the rows of this version."""
        yield f"@{IDEMPOTENT}", f"directive on {' | '.join(self._directive['locations'])}", ""
        for argument in self._directive["args"]:
            yield f"@{IDEMPOTENT}({argument['name']})", _type(argument), ""
        for name in self.kept:
            yield name, self._kind(self.types[name]), ""
            for place, declared in self._members_kept(name):
                yield place, _type(declared), self._notes(declared)

    def _kind(self, kind: dict[str, Any]) -> str:
        word = {"INPUT_OBJECT": "input"}.get(kind["kind"], kind["kind"].lower())
        interfaces = [
            each["name"] for each in kind.get("interfaces") or () if each["name"] in self.kept
        ]
        if word == "union":
            return f"union = {' | '.join(self._possible(kind))}"
        return f"{word} implements {' & '.join(interfaces)}" if interfaces else word

    def _possible(self, kind: dict[str, Any]) -> list[str]:
        possible = kind.get("possibleTypes") or ()
        return sorted(each["name"] for each in possible if each["name"] in self.kept)

    def _notes(self, member: dict[str, Any]) -> str:
        notes = ["deprecated"] if member.get("isDeprecated") else []
        if NEEDS_A_KEY in " ".join((member.get("description") or "").split()):
            notes.append(IDEMPOTENT)
        if kinds := member.get("gidTypes"):
            notes.append(f"id={','.join(sorted(self._concrete(kinds)))}")
        return " ".join(notes)

    def _concrete(self, kinds: list[str]) -> set[str]:
        """Return the kinds of record of which ids are given: an interface's are its objects'."""
        concrete = set()
        for name in kinds:
            kind = self.types.get(name, {})
            possible = [each["name"] for each in kind.get("possibleTypes") or ()]
            concrete |= {each for each in possible if each in self.kept} or {name}
        return concrete


class _Keeper(Visitor):
    """Keeps the fields of a document on its way through it."""

    def __init__(self, reduction: Reduction, information: TypeInfo) -> None:
        super().__init__()
        self.reduction = reduction
        self.information = information

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        parent = self.information.get_parent_type()
        declared = self.information.get_field_def()
        if parent and declared and not node.name.value.startswith("__"):
            self.reduction.keep(parent.name, node.name.value)
            self.reduction.keep(get_named_type(declared.type).name)

    def enter_inline_fragment(self, node: InlineFragmentNode, *_: Any) -> None:
        if node.type_condition:
            self.reduction.keep(node.type_condition.name.value)


def _members(kind: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        member
        for members in ("fields", "inputFields", "enumValues")
        for member in kind.get(members) or ()
    ]


def _type(member: dict[str, Any]) -> str:
    if "type" not in member:
        return "value"
    default = member.get("defaultValue")
    return _written(member["type"]) + (f" = {default}" if default is not None else "")


def _written(reference: dict[str, Any]) -> str:
    match reference["kind"]:
        case "NON_NULL":
            return f"{_written(reference['ofType'])}!"
        case "LIST":
            return f"[{_written(reference['ofType'])}]"
        case _:
            return str(reference["name"])


def _named(reference: dict[str, Any]) -> str:
    while reference.get("ofType"):
        reference = reference["ofType"]
    return str(reference["name"])


def _required(member: dict[str, Any]) -> bool:
    return member["type"]["kind"] == "NON_NULL" and member.get("defaultValue") is None
