"""The translations capability: an offer's texts in other languages, one row for each text."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, Field

from openstoq.actions.action import ActionSet
from openstoq.actions.context import Context
from openstoq.errors import Invalid
from openstoq.kernel.places import locale_tag
from openstoq.kernel.types import Clean, Line, OnOneLine
from openstoq.preorders.offers import rules, translation_store
from openstoq.preorders.offers.editing import load, save
from openstoq.preorders.offers.model import Offer
from openstoq.preorders.offers.storefront.metafields import TRANSLATABLE_PATHS

Path = Annotated[str, Field(min_length=1, max_length=200), OnOneLine]
Value = Annotated[str, Field(max_length=2000), Clean]

translations = ActionSet(
    "preorders.offers.translations", "/preorders/offers/{id}/translations", load=load
)


class Translations(BaseModel):
    """An offer's translations by locale and path, and the paths of all translatable texts."""

    translations: dict[str, dict[str, str]]
    translatable_fields: list[str]


@translations.get(aliases=("show translations", "which texts can be translated"))
async def read(context: Context, offer: Offer) -> Translations:
    """Read every translation override, plus the full enumeration of translatable field paths."""
    return Translations(
        translations=(await translation_store.overrides(context.db, context.shop_id, [offer.id]))[
            offer.id
        ],
        translatable_fields=list(TRANSLATABLE_PATHS),
    )


@translations.post("/set", name="set", aliases=("translate a text",))
async def set_single(
    context: Context, offer: Offer, *, locale: Line, field: Path, value: Value | None = None
) -> Translations:
    """Set a single translation override (one locale, one field) on a preorder offer.

    Without a value, or with null, the override is removed.
    """
    if value is None:
        return await unset(context, offer, locale=locale, field=field)
    return await set_many(context, offer, locale=locale, translations={field: value})


@translations.post("/set_many", aliases=("translate many texts",))
async def set_many(
    context: Context,
    offer: Offer,
    *,
    locale: Line,
    translations: Annotated[dict[Path, Value], Field(min_length=1, max_length=200)],
) -> Translations:
    """Set many translation overrides for one locale on a preorder offer, atomically.

    All or nothing: a 422 response lists the unknown locale and every unknown field path, or
    says what to shorten when the offer with all its texts would be too large for the storefront
    (120 KB). The billing widget and the first payment option share their texts and the
    translations of these texts: a value for either path sets both.
    """
    rules.check_changeable(offer)
    language = _checked(locale, translations)
    texts = rules.shared_texts(offer, translations)
    await translation_store.write(context.db, context.shop_id, offer.id, language, texts)
    await save(context, offer)
    return await read(context, offer)


@translations.post("/unset", aliases=("remove a translation",))
async def unset(context: Context, offer: Offer, *, locale: Line, field: Path) -> Translations:
    """Remove a translation override (one locale, one field) from a preorder offer.

    Removing an override that does not exist is not an error.
    """
    rules.check_changeable(offer)
    language = _checked(locale, {field: ""})
    paths = list(rules.shared_texts(offer, {field: ""}))
    await translation_store.delete(context.db, context.shop_id, offer.id, language, paths)
    await save(context, offer)
    return await read(context, offer)


@translations.post("/clear_locale", aliases=("remove a language",))
async def clear_locale(context: Context, offer: Offer, *, locale: Line) -> Translations:
    """Remove all translation overrides for one locale on a preorder offer."""
    rules.check_changeable(offer)
    language = _checked(locale, {})
    await translation_store.delete(context.db, context.shop_id, offer.id, language, None)
    await save(context, offer)
    return await read(context, offer)


def _checked(locale: str, fields: Mapping[str, str]) -> str:
    language = locale_tag(locale)
    problems = (
        [f"locale {locale} is not a known language; write it like fr or pt-BR"]
        if language is None
        else []
    )
    problems += [
        f"field {field} is not translatable; GET translations lists those that are"
        for field in fields
        if field not in TRANSLATABLE_PATHS
    ]
    if problems or language is None:
        raise Invalid(*problems)
    return language


ACTIONS = tuple(translations)
