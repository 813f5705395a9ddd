"""Locales and countries in the one form in which they are kept: BCP 47 tags, ISO 3166 codes.

Only what CLDR knows is kept, so that whoever writes a mail or a price later needs no doubts.
"""

import re
from functools import cache, lru_cache

from babel import Locale, UnknownLocaleError
from babel.core import parse_locale

_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}")
# What POSIX adds to a locale: de_DE.UTF-8, de_DE@euro.
_POSIX = re.compile(r"[.@]")
# Language, script, territory and one more: what follows says nothing about texts or numbers.
_MOST_SUBTAGS = 4
_NO_LANGUAGE = frozenset({"und", "root"})
# CLDR names groups of countries and codes for tests as if they were countries.
_NO_COUNTRY = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})


@lru_cache(maxsize=1024)
def locale_tag(text: str) -> str | None:
    """Return a locale as its BCP 47 tag, such as pt-BR or zh-Hant; None for one that is unknown.

    Of a tag with more than CLDR knows, the part that it knows is kept. Nobody is turned away for
    an odd locale: without one the shop's own language is spoken.
    """
    tag = _POSIX.split(text.strip(), maxsplit=1)[0].replace("_", "-")
    if not _TAG.fullmatch(tag):
        return None
    subtags = tag.split("-")[:_MOST_SUBTAGS]
    while subtags and subtags[0].lower() not in _NO_LANGUAGE:
        try:
            Locale.parse("-".join(subtags), sep="-")
            language, territory, script, *_ = parse_locale("-".join(subtags), sep="-")
        except (UnknownLocaleError, ValueError):
            subtags.pop()
            continue
        return "-".join(part for part in (language, script, territory) if part)
    return None


def country_code(text: str) -> str | None:
    """Return a country's two letters in upper case; None for what is no country."""
    code = text.strip()
    return code.upper() if code.isascii() and code.upper() in _countries() else None


@cache
def _countries() -> frozenset[str]:
    names = map(str, Locale("en").territories)
    return frozenset(name for name in names if _COUNTRY.fullmatch(name)) - _NO_COUNTRY
