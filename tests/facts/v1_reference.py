"""Reduce the reference of API v1 to what a test reads: its operations and its models."""

import json
import re
from collections.abc import Iterator
from typing import Any

_OPERATION = re.compile(
    r"^(?P<method>GET|POST|PUT|PATCH|DELETE)\n+https://[^/]+/api/v1(?P<path>/\S+)$", re.MULTILINE
)
_STATUS = re.compile(r"^(2\d\d|4\d\d)(?=[A-Z]|object)", re.MULTILINE)
_MODEL = re.compile(r"^(?P<name>[A-Z]\w+)\n+object$", re.MULTILINE)
_FIELD_TYPE = re.compile(r"(string|integer|number|boolean|object|Array|[A-Z]\w+)")


def operations(text: str) -> Iterator[dict[str, Any]]:
    """Yield each operation with its statuses, and its example of an answer and of each error."""
    text = text.partition("\nModels\n")[0]
    found = list(_OPERATION.finditer(text))
    for number, operation in enumerate(found):
        end = found[number + 1].start() if number + 1 < len(found) else len(text)
        section = text[operation.end() : end]
        answers = list(_json_in(_without_requests(section)))
        yield {
            "method": operation["method"],
            "path": operation["path"].removeprefix("/external").removesuffix(".json"),
            "statuses": sorted({int(status) for status in _STATUS.findall(section)}),
            "answer": next((one for one in answers if not _is_error(one)), None),
            "errors": [one for one in answers if _is_error(one)],
        }


def models(text: str) -> Iterator[dict[str, Any]]:
    """Yield each model with the type of every field, followed by a ? where it may be null."""
    text = text.partition("\nModels\n")[2]
    found = list(_MODEL.finditer(text))
    for number, model in enumerate(found):
        end = found[number + 1].start() if number + 1 < len(found) else len(text)
        section = text[model.end() : end]
        (example,) = _json_in("\n" + section.partition("\nExample\n")[2])
        fields = dict(_fields(example, section.partition("\nExample\n")[0].splitlines()))
        yield {"name": model["name"], "fields": fields}


def _fields(example: dict[str, Any], lines: list[str]) -> Iterator[tuple[str, Any]]:
    for name, value in example.items():
        place, kind = next(
            (place, found[1])
            for place, line in enumerate(lines)
            if line.startswith(name) and (found := _FIELD_TYPE.match(line[len(name) :]))
        )
        described = next((line for line in lines[place + 1 :] if line), "")
        nullable = lines[place].endswith("| null") or "(null for" in described
        below = value[0] if isinstance(value, list) else value
        if isinstance(below, dict):
            inner: Any = dict(_fields(below, lines[place + 1 :]))
            kind = f"{'array' if isinstance(value, list) else 'object'}{'?' * nullable}"
            yield name, {"type": kind, "fields": inner}
        else:
            yield name, {"type": kind.lower() + "?" * nullable}


def _without_requests(section: str) -> str:
    """Return an operation without the samples of its requests, in three languages and alone."""
    section = section[section.rindex("\nimport requests\n") :]
    section = section[section.index("data = response.json()") :]
    _, marker, rest = section.partition("\nRequest Body\n")
    if not marker:
        return section
    start = rest.index("{")
    return rest[start + json.JSONDecoder().raw_decode(rest[start:])[1] :]


def _json_in(text: str) -> Iterator[dict[str, Any]]:
    place = text.find("\n{")
    while place >= 0:
        value, length = json.JSONDecoder().raw_decode(text[place + 1 :])
        yield value
        place = text.find("\n{", place + 1 + length)


def _is_error(example: dict[str, Any]) -> bool:
    return bool({"error", "errors"} & example.keys()) and "intents" not in example
