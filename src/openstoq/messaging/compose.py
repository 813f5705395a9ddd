"""Liquid templates, the texts of each language, and bodies rendered once for many recipients."""

import re
import tomllib
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency
from liquid import BoundTemplate
from markupsafe import Markup, escape

from openstoq.kernel.days import zone_of
from openstoq.kernel.money import Money
from openstoq.messaging.bounded_liquid import Bounds, compiled, rendered
from openstoq.messaging.mime import SOFT_BREAK, quoted_printable, quoted_printable_piece

TEMPLATES = Path(__file__).parent / "templates"
FALLBACK = "en"
LANGUAGES = tuple(sorted(file.stem for file in (TEMPLATES / "locales").glob("*.toml")))

_TAG = re.compile(r"{{.*?}}|{%.*?%}", re.DOTALL)
# Liquid tags that store or compare output, or that contain further tags.
_KEEPS_OUTPUT = re.compile(r"{%-?\s*(?:capture|ifchanged|include|render|liquid)\b")
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4}")
# Characters that set a direction for those that follow, up to a character that ends it.
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_FROM_THE_RIGHT = frozenset({"R", "AL", "AN"})
_MARKUP = re.compile("[&<>'\"]")
_PLAIN_OUTPUT = re.compile(r"{{-?\s*(\w+)\s*-?}}")


@cache
def source(name: str) -> str:
    """Return the text of the template in the file `name`."""
    return (TEMPLATES / name).read_text("utf-8")


@lru_cache(maxsize=1000)
def babel_locale(locale: str | None) -> Locale:
    """Return the Babel locale for a tag such as "de-AT", or English if the tag is unknown.

    Any string is safe to pass. Babel looks for a file named after the tag, so only a well-formed
    tag is passed on to Babel.
    """
    tag = (locale or FALLBACK).strip().replace("_", "-")
    if not _LANGUAGE_TAG.fullmatch(tag):
        return Locale.parse(FALLBACK)
    for candidate in (tag, tag.partition("-")[0]):
        try:
            return Locale.parse(candidate, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse(FALLBACK)


@lru_cache(maxsize=1000)
def locale_name(locale: str | None) -> str:
    """Return the name of the Babel locale for a tag."""
    return str(babel_locale(locale))


def money(amount: Decimal, currency: str, locale: str | None) -> str:
    """Format an amount for the reader's locale, with all the decimals of the currency."""
    return format_currency(
        Money(amount, currency).amount,
        currency,
        locale=babel_locale(locale),
        decimal_quantization=False,
    )


def day(moment: datetime, timezone: str, locale: str | None) -> str:
    """Format the date of `moment` in `timezone`, in the language that `language` picks."""
    read, spoken = babel_locale(locale), language(locale)
    try:
        there = moment.astimezone(zone_of(timezone))
    except OverflowError:
        # In some zones, the first or last moments of the calendar are out of its range.
        there = moment
    return format_date(
        there.date(),
        "long",
        locale=read if read.language == spoken else Locale.parse(spoken),
    )


def language(locale: str | None) -> str:
    """Return the language in which a reader with `locale` gets our texts.

    It is English if we have no texts in the reader's own language.
    """
    spoken = babel_locale(locale).language
    return spoken if spoken in LANGUAGES else FALLBACK


@cache
def _sentences(language: str, section: str) -> Mapping[str, BoundTemplate]:
    file = TEMPLATES / "locales" / f"{language}.toml"
    return {
        key: compiled(sentence, escapes=False, bounds=None)
        for key, sentence in tomllib.loads(file.read_text("utf-8"))[section].items()
    }


def texts(language: str, section: str, values: Mapping[str, str | None]) -> dict[str, str]:
    """Return the sentences for a kind of mail, named by `section`, with `values` filled in."""
    shown = {name: value and isolated(value) for name, value in values.items()}
    return {
        key: sentence.render(**shown) for key, sentence in _sentences(language, section).items()
    }


def isolated(value: str) -> str:
    """Return a value such that its writing direction does not affect the sentence around it.

    In "Back in stock: כובע!" the sign at the end would otherwise be put before the Hebrew word.
    """
    if value.isascii():
        return value
    plain = _DIRECTIONS.sub("", value)
    is_mixed = any(unicodedata.bidirectional(one) in _FROM_THE_RIGHT for one in plain)
    return f"\u2068{plain}\u2069" if is_mixed else plain


def colon(language: str) -> str:
    """Return the colon that follows a label, with the space that some languages have before it."""
    return _sentences(language, "punctuation")["colon"].render()


def written(name: str, shared: Mapping[str, Any], gaps: Sequence[str] = ()) -> "Body":
    """Return the body made from the template file `name`; in HTML, values are escaped."""
    escapes = name.endswith(".html.liquid")
    return Body(source(name), escapes=escapes, shared=with_head(shared), gaps=gaps)


def with_head(shared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables with `head`, the styles that a mail in HTML has in its head."""
    return {**shared, "head": Markup(source("head.html"))}  # noqa: S704 - a file of ours


# What stands in a gap until it is filled. Nobody can guess it, so no value contains it.
_MARK = f"gap{uuid4().hex}x"
_MARKS = re.compile(rf"({_MARK}\d+x)")


class Body:
    """A body in quoted-printable: rendered once with gaps, which are filled for each recipient.

    `shared` holds the template's variables that are the same for all recipients. `gaps` are the
    names of the variables that differ. If the template does more with such a variable than print
    it, there are no gaps to fill: the body is rendered again for each recipient. All methods raise
    TemplateError if the template cannot be rendered, or not within `bounds`.
    """

    def __init__(
        self,
        source: str,
        *,
        escapes: bool,
        shared: Mapping[str, Any],
        gaps: Sequence[str],
        bounds: Bounds | None = None,
    ) -> None:
        self._template = compiled(source, escapes=escapes, bounds=bounds)
        self._shared = shared
        self._escape: Callable[[str], str] = _escaped if escapes else str
        self._printed: dict[str, bytes] = {}
        """The names of the gaps that are in the pattern, and the same in bytes."""
        self._pattern = self._spliced(source, gaps)

    @property
    def is_spliced(self) -> bool:
        """Return whether recipients' values are filled in without rendering the template again."""
        return self._pattern is not None

    @property
    def has_gaps(self) -> bool:
        """Return whether the body may differ between recipients."""
        return self._pattern is None or bool(self._printed)

    def rendered(self, fillings: Mapping[str, str | None]) -> str:
        """Return the body as text, rendered for a single recipient."""
        return rendered(self._template, **self._shared, **fillings)

    def encoded(self, fillings: Mapping[str, str | None]) -> bytes:
        """Return the encoded body for one recipient, with `fillings` in its gaps."""
        if self._pattern is None:
            return quoted_printable(self.rendered(fillings))
        return self._pattern % {
            key: quoted_printable_piece(self._escape(fillings[gap] or ""))
            for gap, key in self._printed.items()
        }

    def _spliced(self, source: str, gaps: Sequence[str]) -> bytes | None:
        if uses_beyond_printing(source, tuple(gaps)):
            return None
        if not gaps:
            return _literal(quoted_printable(self.rendered({})))
        marks = {f"{_MARK}{number}x": gap for number, gap in enumerate(gaps)}
        mark_of = {gap: mark for mark, gap in marks.items()}
        pieces = _MARKS.split(self.rendered(mark_of))
        self._printed = {gap: gap.encode() for mark, gap in marks.items() if mark in pieces}
        return b"".join(_open_end(piece, marks) for piece in pieces[:-1]) + _literal(
            quoted_printable(pieces[-1])
        )


def _open_end(piece: str, marks: Mapping[str, str]) -> bytes:
    """Return a piece of the pattern that ends in a line break, so that any piece may follow."""
    if piece in marks:
        return f"%({marks[piece]})b".encode() + SOFT_BREAK
    end = b"" if piece == "" or piece.endswith("\n") else SOFT_BREAK
    return _literal(quoted_printable_piece(piece)) + end


def _literal(encoded: bytes) -> bytes:
    return encoded.replace(b"%", b"%%")


@lru_cache(maxsize=64)
def uses_beyond_printing(source: str, gaps: tuple[str, ...]) -> bool:
    """Return whether the template `source` may do more with the value of a gap than print it."""
    if not gaps:
        return False
    named = re.compile(rf"\b(?:{'|'.join(gaps)})\b")
    for tag in _TAG.findall(source):
        plain = _PLAIN_OUTPUT.fullmatch(tag)
        if _KEEPS_OUTPUT.match(tag) or (not (plain and plain[1] in gaps) and named.search(tag)):
            return True
    return False


def _escaped(value: str) -> str:
    return str(escape(value)) if _MARKUP.search(value) else value
