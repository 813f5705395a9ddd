"""Write the facts again from their sources, of which each is given by its path.

    python -m tests.facts.write actions v2_actions.json
    python -m tests.facts.write recordings FOLDER
    python -m tests.facts.write samples FOLDER
    python -m tests.facts.write v1 REFERENCE.txt
    python -m tests.facts.write schema 2026-04=OLD.json.gz 2026-07=NEW.json.gz

README.md, beside this script, says where the sources come from. The table of the schema is written
last, because it also covers the recorded requests.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.facts import v1_reference
from tests.facts.recordings import SCENARIOS, costs, named_answers, scenario, shapes
from tests.facts.schema_table import table

HERE = Path(__file__).parent


def main() -> None:
    """Write the facts that the first argument names."""
    wanted, *paths = sys.argv[1:]
    writers: dict[str, Callable[..., None]] = {
        "actions": actions,
        "recordings": recordings,
        "samples": samples,
        "schema": schema,
        "v1": v1,
    }
    writers[wanted](*paths)


def actions(path: str) -> None:
    """Write the documented actions: their addresses and their fields, without their prose."""
    documented = json.loads(Path(path).read_text(encoding="utf-8"))
    _write_lines("documented_actions.jsonl", (_action(each) for each in documented))


def _action(action: dict[str, Any]) -> dict[str, Any]:
    kept = {name: action[name] for name in ("section", "method", "path")}
    for place in ("params", "body"):
        if fields := [_field(each) for each in action.get(place, ())]:
            kept[place] = fields
    return kept


def _field(field: dict[str, Any]) -> dict[str, Any]:
    return {name: field[name] for name in ("name", "in", "required") if field.get(name)}


def v1(path: str) -> None:
    """Write the operations and models of API v1."""
    text = Path(path).read_text(encoding="utf-8")
    _write_lines("v1_operations.jsonl", v1_reference.operations(text))
    _write_lines("v1_models.jsonl", v1_reference.models(text))


def recordings(folder: str) -> None:
    """Write what tests compare of the recorded requests and answers."""
    recorded = Path(folder)
    for name in SCENARIOS:
        _write_lines(f"scenarios/{name}.jsonl", scenario(recorded, name))
    _write_lines("recorded_answers.jsonl", named_answers(recorded))
    _write_lines("recorded_shapes.jsonl", shapes(recorded))
    _write_lines("recorded_costs.jsonl", costs(recorded))


def samples(folder: str) -> None:
    """Write Shopify's sample of each webhook, once for all topics that have the same."""
    topics: dict[str, list[str]] = {}
    for file in sorted(Path(folder).glob("*.json")):
        body = json.dumps(json.loads(file.read_text(encoding="utf-8")), ensure_ascii=False)
        topics.setdefault(body, []).append(file.stem.replace("__", "/"))
    _write_lines(
        "webhook_samples.jsonl",
        ({"topics": found, "body": json.loads(body)} for body, found in topics.items()),
    )


def schema(*versions: str) -> None:
    """Write the table of Shopify's schema, of the versions that are given as VERSION=FILE."""
    files = dict(each.split("=", 1) for each in versions)
    rows = table({version: Path(path) for version, path in files.items()})
    text = "".join("\t".join(row).rstrip() + "\n" for row in rows)
    (HERE / "shopify_schema.tsv").write_text(text, encoding="utf-8")


def _write_lines(name: str, values: Iterable[Any]) -> None:
    (HERE / name).write_text("".join(_lines(values)), encoding="utf-8")


def _lines(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        yield json.dumps(value, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
