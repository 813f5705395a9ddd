"""Hold names to the glossary of docs/architecture.md: nouns for things, verbs for functions.

A name that says nothing of its thing, such as `made` or `one`, has to be looked up each time. The
words below are banned from names of modules, classes and public functions.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [ROOT / "src", ROOT / "packages" / "shopify-sandbox" / "src"]
BANNED = {
    "asked",
    "did",
    "helper",
    "helpers",
    "kept",
    "made",
    "manager",
    "misc",
    "one",
    "passes",
    "process",
    "said",
    "shelf",
    "sorted",
    "standing",
    "stuff",
    "taken",
    "thing",
    "things",
    "told",
    "util",
    "utils",
    "what",
    "who",
    "whoever",
}
# A field's own words, each with the reason why no noun says it better.
NOUNS_IN_ING = {
    "editing": "the act is what the module is about",
    "housekeeping": "the usual word",
    "logging": "Python's own",
    "mapping": "a thing, too",
    "matching": "a thing, too",
    "pacing": "a thing, too",
    "paging": "the usual word",
    "routing": "the usual word",
    "saving": "the act is what the module is about",
    "selling": "a selling plan is Shopify's",
    "shipping": "a thing, too",
    "templating": "the usual word",
    "wording": "a thing, too",
}
# Names that somebody else calls, and so decides.
GIVEN = {"connection_made": "asyncio.Protocol"}


def names() -> Iterator[tuple[str, str]]:
    """Yield every name of a module, class and public function, with its place."""
    for source in SOURCES:
        for path in sorted(source.rglob("*.py")):
            place = str(path.relative_to(ROOT))
            if "versions" not in path.parts:
                yield path.stem, place
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    yield node.name, f"{place}:{node.lineno}"


def words_of(name: str) -> list[str]:
    """Return the words of a name in snake or camel case, in lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


def test_no_name_has_a_word_that_says_nothing():
    found = [
        f"{place}: {name}"
        for name, place in names()
        if not name.startswith("_") and name not in GIVEN and BANNED & set(words_of(name))
    ]
    assert found == []


def test_modules_are_named_after_things():
    found = [
        place
        for name, place in names()
        if place.endswith(f"{name}.py")
        and any(word.endswith("ing") and word not in NOUNS_IN_ING for word in words_of(name))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("name", "words"),
    [("made_at", ["made", "at"]), ("SMTPTold", ["smtp", "told"]), ("one", ["one"])],
)
def test_a_name_is_divided_into_words(name, words):
    assert words_of(name) == words
