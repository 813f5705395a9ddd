"""Random PATCHes in a row, over every document of an offer and through the API."""

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from openstoq.errors import Invalid
from openstoq.kernel.patch import stored
from openstoq.preorders.offers.capabilities import CAPABILITIES

every_capability = pytest.mark.parametrize(
    "capability", CAPABILITIES, ids=lambda capability: capability.name
)


def laid_over(base, changes):
    """What the documents say a PATCH is: objects merge, everything else is replaced."""
    if not (isinstance(base, dict) and isinstance(changes, dict)):
        return changes
    merged = dict(base)
    for name, value in changes.items():
        merged[name] = laid_over(base.get(name), value)
    return merged


def resolved(schema, root):
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def values(schema, root):
    """Values that mostly fit a schema: every kind that an offer's documents have."""
    schema = resolved(schema, root)
    if "anyOf" in schema:
        return st.one_of(*(values(option, root) for option in schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    if schema.get("type") == "object":
        parts = schema.get("properties", {})
        below = {name: values(part, root) for name, part in parts.items()}
        return st.fixed_dictionaries({}, optional=below)
    if schema.get("type") == "array":
        return st.lists(values(schema["items"], root), max_size=3)
    return plain(schema)


def plain(schema):
    numbers = st.integers(max(schema.get("minimum", 0), 0), schema.get("maximum", 50) + 1)
    kinds = {"boolean": st.booleans(), "null": st.none(), "integer": numbers, "number": numbers}
    if schema.get("format") == "date-time":
        return st.sampled_from(["2026-01-01T00:00:00Z", "2027-03-01", "2099-12-31T23:59:59+02:00"])
    texts = st.sampled_from(["#112233", "red", "5", "12.50", "Text", "url(x)", ""])
    return kinds.get(schema.get("type"), texts)


@every_capability
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_patched_in_a_row_a_valid_document_is_stored(capability, data):
    document = capability.document()
    schema = capability.patch.model_json_schema()
    for patch in data.draw(st.lists(values(schema, schema), min_size=1, max_size=5)):
        try:
            read = capability.patch.model_validate_json(orjson.dumps(patch), strict=True)
        except ValidationError:
            continue
        changes = read.model_dump(mode="json", exclude_unset=True)
        known = stored(document)
        try:
            document = capability.merged(document, changes)
        except Invalid:
            assert stored(document) == known
            continue
        now = stored(document)
        assert stored(capability.document.model_validate(now)) == now
        # `merged` has written aliases to the fields they stand for, so this is the plain merge.
        expected = laid_over(known, {name: changes[name] for name in changes if name in known})
        assert stored(capability.document.model_validate(expected)) == now


async def test_a_row_of_patches_is_read_as_their_merge(client, offer_id):
    at = f"/preorders/offers/{offer_id}"
    expected = (await client.get(f"{at}/widget")).json()
    for patch in (
        {"badge": {"enabled": False}},
        {"badge": {"text": None}, "button": {"colors": {"enabled": True}}},
        {"button": {"text": "Now", "colors": {"text_color": "#010203"}}},
        {"disclaimer": {"enabled": True, "border_radius": 4}},
        {"badge": {"enabled": True, "text": "Soon"}, "disclaimer": {"border_radius": None}},
    ):
        expected = laid_over(expected, patch)
        assert (await client.patch(f"{at}/widget", json=patch)).json() == expected
    assert (await client.get(f"{at}/widget")).json() == expected
    wrong = {"badge": {"text": 5}, "nope": 1, "button": {"colors": {"text_color": "url(x)"}}}
    refused = await client.patch(f"{at}/widget", json=wrong)
    assert refused.status_code == 422
    assert len(refused.json()["errors"]) == 3
    assert (await client.get(f"{at}/widget")).json() == expected
