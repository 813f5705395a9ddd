"""Every text that a request of any face may hold: bounded, and without what is no text."""

import json

import pytest

from openstoq.actions.validation import read_body, read_values
from openstoq.errors import Problem
from openstoq.registry import ACTIONS
from openstoq.web.storefront import carts, offers
from openstoq.web.v1 import routes as v1
from tests.factories.schemas import places, with_value

OPERATIONS = (*ACTIONS, v1.CREATE, *v1.OPERATIONS)
MODELS = {
    **{one.name: (one.request, one.writes) for one in OPERATIONS if one.request is not None},
    "storefront.offer": (offers.OfferQuery, False),
    "storefront.shop": (carts.Named, False),
    "storefront.cart": (carts.CartCheckRequest, True),
}
BOUNDS = {"maxLength", "pattern", "enum", "const", "format"}
# A line is at most so long; what may be longer may have several.
LONGEST_LINE = 255
every_model = pytest.mark.parametrize("name", MODELS)


def texts_of(name):
    """Every place of a request where text may stand, and its schema."""
    model, _ = MODELS[name]
    schema = model.model_json_schema()
    return [one for one in places(schema, schema) if one[1].get("type") == "string"]


def refused_at(name, path, sent):
    """Whether the request is refused for what stands at `path`."""
    model, writes = MODELS[name]
    body = with_value(path, sent)
    try:
        if writes:
            read_body(model, json.dumps(body, ensure_ascii=False).encode())
        else:
            read_values(model, body)
    except Problem as problem:
        # Below a union the path names the member as well.
        return any(
            sentence.startswith(str(path[0])) and not sentence.endswith("is required")
            for sentence in problem.messages
        )
    return False


@every_model
def test_a_text_is_bounded(name):
    for path, option in texts_of(name):
        assert BOUNDS & set(option), path
        assert refused_at(name, path, "x" * 1_000_000), path


@every_model
def test_a_text_has_no_control_characters(name):
    for path, _ in texts_of(name):
        for control in "\x00\x01\x1b\x7f\x85\x9b":
            assert refused_at(name, path, f"a{control}b"), (path, ascii(control))


@every_model
def test_a_line_has_no_line_break_and_turns_nothing_around(name):
    for path, option in texts_of(name):
        # An odd locale is no reason to turn a shopper away: it is read as none.
        if option.get("maxLength", 0) > LONGEST_LINE or path[-1] == "locale":
            continue
        for control in ("\n", "\r\n", "\u2028", "\u202e", "\u2066"):
            assert refused_at(name, path, f"a{control}b"), (path, ascii(control))
