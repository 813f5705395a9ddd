"""Hold docstrings to nouns and imperatives: none opens with a question word or with Tell or Say.

"What is left of it" makes the reader guess the thing, "Say whether" the value that is returned. A
docstring names the thing, or states the act: "The units that are left", "Return whether".
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [ROOT / "src", ROOT / "packages" / "shopify-sandbox" / "src"]
BANNED = {"What", "Which", "Who", "Whoever", "Whose", "How", "Whether", "Tell", "Say"}


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and text of every docstring, those below an attribute included."""
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else []:
            match statement:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield statement.lineno, text


def opens_oddly(text: str) -> bool:
    """Return whether the first word of a docstring is banned."""
    first = next(iter(text.split()), "")
    return first.rstrip(".,:;?!") in BANNED


def offenders() -> list[str]:
    """Return every docstring that opens with a banned word, as file:line: its first line."""
    return [
        f"{file.relative_to(ROOT)}:{line}: {text.strip().splitlines()[0]}"
        for source in SOURCES
        for file in sorted(source.rglob("*.py"))
        for line, text in docstrings(file.read_text(encoding="utf-8"))
        if opens_oddly(text)
    ]


def test_no_docstring_opens_with_a_banned_word():
    found = offenders()
    assert not found, "\n".join(["name the thing, or state the act:", *found])


@pytest.mark.parametrize(
    ("text", "is_odd"),
    [
        ("What a caller is told.", True),
        ("\n    Whether it is so.\n    ", True),
        ("Who: a caller.", True),
        ("Return whether it is so.", False),
        ("Whatever is stored, as JSON.", False),
        ("Sayings of shoppers.", False),
        ("", False),
    ],
)
def test_the_first_word_decides(text, is_odd):
    assert opens_oddly(text) is is_odd


def test_every_docstring_is_found():
    source = '''"""A module."""

class Thing:
    """A class."""

    size: int = 0
    """An attribute."""

    def grow(self):
        """A method."""

        async def later():
            """A function within."""

    if size:
        width: int = 0
        """An attribute below a condition."""
'''
    assert sorted(docstrings(source)) == [
        (1, "A module."),
        (4, "A class."),
        (7, "An attribute."),
        (10, "A method."),
        (13, "A function within."),
        (17, "An attribute below a condition."),
    ]
