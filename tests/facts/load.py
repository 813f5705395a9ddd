"""Read the facts."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from graphql import GraphQLSchema, build_schema

HERE = Path(__file__).parent
VERSIONS = ("2026-04", "2026-07")
ROOTS = "schema { query: QueryRoot mutation: Mutation }"
SDL_WORDS = {"object": "type"}


@dataclass(frozen=True, slots=True)
class SchemaFacts:
    """The part of Shopify's schema that is in the table, and what GraphQL has no words for."""

    schema: GraphQLSchema
    # The kinds of record of which an argument or a field of an input takes ids.
    id_kinds: dict[str, set[str]]
    # Mutations that Shopify refuses without an idempotency key.
    needs_key: set[str]


@cache
def schema_facts(version: str) -> SchemaFacts:
    """Return the table's facts of one version of Shopify's schema."""
    types: dict[str, str] = {}
    members: dict[str, dict[str, str]] = defaultdict(dict)
    arguments: dict[str, list[str]] = defaultdict(list)
    id_kinds, needs_key = {}, set()
    for place, kind, notes in _rows(version):
        written = f"{kind} @deprecated" if "deprecated" in notes else kind
        for note in notes:
            if note.startswith("id="):
                id_kinds[place] = set(note.removeprefix("id=").split(","))
        field, _, argument = place.rstrip(")").partition("(")
        name, _, member = field.partition(".")
        if argument:
            arguments[field].append(f"{argument}: {written}")
        elif member:
            members[name][member] = written
            needs_key |= {member} if "idempotent" in notes else set()
        else:
            types[name] = kind
    sdl = "\n".join(
        _definition(name, kind, members[name], arguments) for name, kind in types.items()
    )
    # Six fields are deprecated while their interface's are not, which is not allowed.
    schema = build_schema(f"{ROOTS}\n{sdl}", assume_valid=True)
    return SchemaFacts(schema, id_kinds, needs_key)


def _rows(version: str) -> Iterator[tuple[str, str, list[str]]]:
    for line in (HERE / "shopify_schema.tsv").read_text(encoding="utf-8").splitlines():
        place, kind, notes, only = (*line.split("\t"), "", "")[:4]
        if only in ("", version):
            yield place, kind, notes.split()


def _definition(
    name: str, kind: str, members: dict[str, str], arguments: dict[str, list[str]]
) -> str:
    word, _, rest = kind.partition(" ")
    if word == "directive":
        return f"directive {name}{_in_brackets(arguments[name])} {rest}"
    head = f"{SDL_WORDS.get(word, word)} {name} {rest}".rstrip()
    lines = [
        member + written.removeprefix("value")
        if written.startswith("value")
        else f"{member}{_in_brackets(arguments[f'{name}.{member}'])}: {written}"
        for member, written in members.items()
    ]
    return f"{head} {{ {' '.join(lines)} }}" if lines else head


def _in_brackets(arguments: Iterable[str]) -> str:
    written = ", ".join(arguments)
    return f"({written})" if written else ""


def documented_actions() -> list[dict[str, Any]]:
    """Return the actions of the documented API."""
    return list(_lines("documented_actions.jsonl"))


def v1_operations() -> list[dict[str, Any]]:
    """Return the operations of the documented API v1."""
    return list(_lines("v1_operations.jsonl"))


def v1_models() -> dict[str, dict[str, Any]]:
    """Return the fields of each model of the documented API v1, by its name."""
    return {each["name"]: each["fields"] for each in _lines("v1_models.jsonl")}


def webhook_samples() -> dict[str, bytes]:
    """Return Shopify's sample of a body by its topic."""
    return {
        topic: json.dumps(each["body"], ensure_ascii=False).encode()
        for each in _lines("webhook_samples.jsonl")
        for topic in each["topics"]
    }


def recorded_answers() -> dict[str, dict[str, Any]]:
    """Return the recorded answers that tests read one by one, by their names."""
    return {each["name"]: each["answer"] for each in _lines("recorded_answers.jsonl")}


def recorded_shapes() -> list[dict[str, Any]]:
    """Return a recorded answer of each shape."""
    return list(_lines("recorded_shapes.jsonl"))


def recorded_costs() -> list[dict[str, Any]]:
    """Return recorded queries and what Shopify asked for them."""
    return list(_lines("recorded_costs.jsonl"))


def recorded_scenario(name: str) -> list[dict[str, Any]]:
    """Return the steps of a recording, each with its query if it sends one."""
    lines = list(_lines(f"scenarios/{name}.jsonl"))
    queries = [each["query"] for each in lines if "query" in each]
    return [
        each | ({"query": queries[each["sent"]]} if "sent" in each else {})
        for each in lines
        if "query" not in each
    ]


def _lines(name: str) -> Iterator[Any]:
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        yield json.loads(line)
