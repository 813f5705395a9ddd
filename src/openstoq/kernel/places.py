"""Locales and countries, normalised to the form in which we store them: BCP 47, ISO 3166.

Only locales and countries that CLDR knows are stored, so that code that writes a mail or a price
later can rely on them.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache

from babel import Locale, UnknownLocaleError
from babel.core import get_global, parse_locale

_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}")
# POSIX appends a suffix to a locale: de_DE.UTF-8, de_DE@euro.
_POSIX = re.compile(r"[.@]")
# Language, script, territory and one more. Further subtags do not concern texts or numbers.
_MOST_SUBTAGS = 4
_NO_LANGUAGE = frozenset({"und", "root"})
# CLDR also lists groups of countries and test codes as territories.
_NO_COUNTRY = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})

# Codes that people, and the European Union, use instead of ISO's.
_COMMONLY = {"UK": "GB", "EL": "GR"}


@lru_cache(maxsize=1024)
def locale_tag(text: str) -> str | None:
    """Return a locale as its BCP 47 tag, such as pt-BR or zh-Hant, or None if it is unknown.

    An outdated language code is replaced: iw becomes he. A script that the territory implies is
    left out, as Shopify does: zh-Hant-TW becomes zh-TW. If CLDR only knows the first part of a tag,
    that part is returned. An unknown locale is never a reason to refuse a request, because the
    shop's own language can be used instead.
    """
    tag = _POSIX.split(text.strip(), maxsplit=1)[0].replace("_", "-")
    if not _TAG.fullmatch(tag):
        return None
    named, *rest = tag.split("-")[:_MOST_SUBTAGS]
    subtags = [*_names()[0].get(named.lower(), named).split("_"), *rest]
    while subtags and subtags[0].lower() not in _NO_LANGUAGE:
        try:
            Locale.parse("-".join(subtags), sep="-")
            language, territory, script, *_ = parse_locale("-".join(subtags), sep="-")
        except (UnknownLocaleError, ValueError):
            subtags.pop()
            continue
        return _joined(language, script, territory)
    return None


def readable(tag: str) -> tuple[str, ...]:
    """Return the locales whose texts a reader of `tag` can read, best first.

    They are the tag itself, its language with the script, and its language alone: zh-HK, zh-Hant,
    zh. If `tag` is unknown, there are none.
    """
    known = locale_tag(tag)
    if known is None:
        return ()
    language, territory, script, *_ = parse_locale(known, sep="-")
    written = _joined(language, script or _script_of(language, territory), None)
    return tuple(dict.fromkeys((known, written, language)))


def _joined(language: str, script: str | None, territory: str | None) -> str:
    said = None if script == _script_of(language, territory) else script
    return "-".join(part for part in (language, said, territory) if part)


def _script_of(language: str, territory: str | None) -> str | None:
    """Return the script in which a language is written in a territory, or else its usual script.

    Returns None if CLDR knows neither.
    """
    likely = _names()[1]
    found = likely.get(f"{language}_{territory}") or likely.get(language) or ""
    return found.split("_")[1] if "_" in found else None


@cache
def _names() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return CLDR's replacements for language codes, and its likely full locale for each tag."""
    return get_global("language_aliases"), get_global("likely_subtags")


def country_code(text: str) -> str | None:
    """Return a country's two-letter code in upper case, or None if there is no such country."""
    code = text.strip()
    named = _COMMONLY.get(code.upper(), code.upper()) if code.isascii() else ""
    return named if named in _countries() else None


@cache
def _countries() -> frozenset[str]:
    names = map(str, Locale("en").territories)
    return frozenset(name for name in names if _COUNTRY.fullmatch(name)) - _NO_COUNTRY
