"""Metafields on the shop and on each variant, from which the storefront reads the offers.

Themes depend on the keys and meanings of these metafields. The offers themselves are written on the
shop. A variant has only the ids of the offers that sell it, so that no list of variants ever
outgrows a metafield.
"""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import orjson

from openstoq.commerce.port import Metafield
from openstoq.kernel.days import in_zone
from openstoq.kernel.faults import is_of_item
from openstoq.kernel.patch import TRANSLATABLE, marked_paths
from openstoq.kernel.places import readable
from openstoq.preorders.offers import rules
from openstoq.preorders.offers.capabilities import CAPABILITIES
from openstoq.preorders.offers.model import DOCUMENTS, Offer
from openstoq.preorders.offers.offered_variants import ELSEWHERE, OfferedVariant, markets_of
from openstoq.preorders.offers.storefront import line_items
from openstoq.preorders.offers.wording import discount_text

# Shopify refuses a JSON metafield over 128 KB; 8 KB are left for the JSON around the offers.
MOST_BYTES = 120 * 1024
SELLING_PLANS = "selling_plans"
KEYS = frozenset(
    {
        "selling_plan_ids",
        "preorder_count",
        "preorder_max_count",
        "shipping_text",
        "market_preorder_count",
        "market_preorder_max_count",
    }
)

# The line-item property that names the offer of a cart line sold without a selling plan.
OFFER_PROPERTY = "_openstoq_offer"

# The path of every text that shoppers read, over all settings documents, such as
# widget.button.text.
TRANSLATABLE_PATHS: tuple[str, ...] = tuple(
    path
    for capability in CAPABILITIES
    for path in marked_paths(capability.document, TRANSLATABLE, f"{capability.name}.")
)

Values = Mapping[str, tuple[str, str]]
Translations = Mapping[UUID, Mapping[str, Mapping[str, str]]]


def on_variant(selling: OfferedVariant, now: datetime) -> dict[str, tuple[str, str]]:
    """Return the type and value of each of a variant's metafields, by key.

    The result is empty if the variant has no offer that sells at `now`.
    """
    own = {offer.id: settings for offer, settings in selling.offers}
    live = rules.all_by_precedence([offer for offer, _ in selling.offers], now)
    if not live:
        return {}
    texts, most = _by_market([(offer, own[offer.id]) for offer in live])
    found = {
        "selling_plan_ids": ("json", _json([str(offer.id) for offer in live])),
        "preorder_count": ("number_integer", str(selling.preorder_count)),
    }
    if ELSEWHERE in most:
        found["preorder_max_count"] = ("number_integer", str(most.pop(ELSEWHERE)))
    if texts:
        found["shipping_text"] = ("json", _json(texts))
    if selling.market_counts:
        found["market_preorder_count"] = ("json", _json(dict(selling.market_counts)))
    if most:
        found["market_preorder_max_count"] = ("json", _json(most))
    return found


def _by_market(
    selling: Sequence[tuple[Offer, Mapping[str, Any]]],
) -> tuple[dict[str, str], dict[str, int]]:
    """Return a variant's shipping texts and its maximum counts, both by market.

    Each value is taken from the first offer that sets one for the market.
    """
    texts: dict[str, str] = {}
    most: dict[str, int] = {}
    for offer, settings in selling:
        text = settings["shipping_text"] or offer.shipping.display.shipping_text
        general = {"shipping_text": text, "max_count": settings["max_count"]}
        own = settings["market_overrides"]
        scopes = [*own.items(), *((market, general) for market in markets_of(offer))]
        for market, values in scopes:
            if values.get("shipping_text"):
                texts.setdefault(market, discount_text(offer, values["shipping_text"]) or "")
            if values.get("max_count") is not None and not offer.goes_by_stock:
                most.setdefault(market, values["max_count"])
    return texts, most


def shipping_text(values: Values, market_id: int | None) -> str | None:
    """Return the shipping text for a market from a variant's metafields.

    If the market has no text of its own, the text for all markets is returned. Returns None if the
    metafields have neither.
    """
    _, written = values.get("shipping_text", ("json", "{}"))
    texts: dict[str, str] = orjson.loads(written)
    return texts.get(str(market_id)) or texts.get(ELSEWHERE)


def on_variants(offer: Offer, now: datetime) -> tuple[Any, ...]:
    """Return the settings of an offer that affect its variants' metafields or sold-out state."""
    return (
        rules.sells(offer, now),
        offer.enabled_at,
        offer.opens_at,
        offer.closes_at,
        offer.markets,
        offer.payments.discount,
        offer.shipping.display.shipping_text,
        offer.own_limits.total,
        offer.goes_by_stock,
    )


def on_shop(
    offers: Sequence[Offer],
    translations: Translations,
    now: datetime,
    failures: MutableMapping[UUID, Exception] | None = None,
    *,
    most_bytes: int = MOST_BYTES,
) -> list[Metafield]:
    """Return the shop's metafields, which contain all offers that sell at `now`, by id.

    Offers that do not fit into one metafield are divided among several. The first metafield lists
    the keys of the others in `more`. An offer that cannot be written is left out, and its error is
    entered in `failures`. Without `failures`, the error is raised.
    """
    parts: list[list[bytes]] = [[]]
    size = 0
    for offer in offers:
        if not rules.sells(offer, now):
            continue
        try:
            written = _entry(rules.as_sold(offer, now), translations.get(offer.id, {}))
        except Exception as error:
            if failures is None or not is_of_item(error):
                raise
            failures[offer.id] = error
            continue
        if parts[-1] and size + len(written) > most_bytes:
            parts.append([])
            size = 0
        parts[-1].append(written)
        size += len(written) + 1
    keys = [SELLING_PLANS, *(f"{SELLING_PLANS}_{n}" for n in range(2, len(parts) + 1))]
    more = _json(keys[1:]).encode()
    return [
        Metafield(
            None,
            key,
            "json",
            (
                b'{"offers":{'
                + b",".join(part)
                + b'},"more":'
                + (more if key == keys[0] else b"[]")
            ).decode()
            + "}",
        )
        for key, part in zip(keys, parts, strict=True)
    ]


def too_large(
    offer: Offer, translations: Mapping[str, Mapping[str, str]], *, most_bytes: int = MOST_BYTES
) -> str | None:
    """Return a sentence that says what to shorten if an offer is too large for a metafield.

    Returns None if the offer fits.
    """
    size = len(_entry(offer, translations))
    if size <= most_bytes:
        return None
    shown = described(offer, translations)
    parts = {"advanced.custom_css": shown["advanced"].pop("custom_css")}
    parts |= {f"the texts of {name}": shown[name] for name in DOCUMENTS if name in shown}
    parts |= {f"the translations in {name}": texts for name, texts in shown["translations"].items()}
    sizes = {name: len(orjson.dumps(part)) for name, part in parts.items()}
    largest = sorted(sizes, key=lambda name: sizes[name], reverse=True)[:3]
    return (
        f"the offer would take {_kilobytes(size)} KB of the storefront's metafield, which has room "
        f"for {_kilobytes(most_bytes)}; shorten "
        + ", ".join(f"{name} ({_kilobytes(sizes[name])} KB)" for name in largest)
    )


def described(offer: Offer, translations: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return the data of an offer that the storefront needs, with its texts in every language."""
    documents = {
        name: getattr(offer, name).model_dump(mode="json", context=in_zone(offer.zone))
        for name in DOCUMENTS
        if name != "inventory"
    }
    documents["limits"] = offer.own_limits.model_dump(mode="json")
    for path in TRANSLATABLE_PATHS:
        _write(documents, path, lambda text: discount_text(offer, text))
    written = {
        locale: {path: discount_text(offer, text) or "" for path, text in texts.items()}
        for locale, texts in translations.items()
    }
    return {
        "name": offer.name,
        "schedule": {"start": offer.opens_at, "end": offer.last_moment},
        "enabled_at": offer.enabled_at,
        "selling_plan_group_id": offer.plan_group_id if _uses_plans(offer) else None,
        "selling_plan_ids": {
            "full": offer.full_plan_id if _uses_plans(offer) else None,
            "partial": offer.partial_plan_id if _uses_plans(offer) else None,
        },
        **documents,
        "line_item_properties": {
            option: None if told is None else {OFFER_PROPERTY: str(offer.id), **told}
            for option, told in line_items.properties(offer, documents).items()
        },
        "translations": {
            locale: {**texts, **line_items.translated(offer, texts)}
            for locale, texts in written.items()
        },
    }


def localized(described_offer: Mapping[str, Any], locale: str | None) -> dict[str, Any]:
    """Return a described offer with the best translation for `locale`, or the original texts."""
    copy = orjson.loads(orjson.dumps(described_offer))
    translations = copy.pop("translations", {})
    written = (translations.get(tag) for tag in readable(locale or ""))
    texts: Mapping[str, str] = next(filter(None, written), {})
    for path, text in texts.items():
        _write(copy, path, partial(_instead, text))
    return dict(copy)


def _write(documents: Any, path: str, change: Callable[[Any], Any]) -> None:
    """Change the text at a path, unless a document along the path is missing."""
    *way, last = path.split(".")
    for step in way:
        documents = documents.get(step) if documents is not None else None
    if documents is not None:
        documents[last] = change(documents.get(last))


def _entry(offer: Offer, translations: Mapping[str, Mapping[str, str]]) -> bytes:
    """Return an offer's entry in the shop's metafield."""
    return _json(str(offer.id)).encode() + b":" + orjson.dumps(described(offer, translations))


def _kilobytes(size: int) -> int:
    return -(-size // 1024)


def _instead(text: str, _: Any) -> str:
    return text


def _uses_plans(offer: Offer) -> bool:
    return offer.advanced.use_shopify_selling_plan


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
