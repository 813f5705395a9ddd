"""The sandbox shop speaks every document that the application sends."""

from pathlib import Path

from graphql import build_schema, parse, validate

from openstoq.commerce import shopify
from shopify_sandbox.admin.schema import schema_text

DOCUMENTS = Path(shopify.__file__).with_name("documents")


def test_the_application_sends_only_what_the_sandbox_speaks():
    schema = build_schema(schema_text())
    documents = sorted(DOCUMENTS.glob("*.graphql"))
    assert documents
    problems = {
        each.stem: [error.message for error in validate(schema, parse(each.read_text()))]
        for each in documents
    }
    assert {name: found for name, found in problems.items() if found} == {}
