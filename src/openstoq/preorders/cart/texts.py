"""Sentences for a shopper whose cart cannot be ordered, in the languages of our mails."""

from collections.abc import Mapping
from typing import Literal

from openstoq.preorders.orders.limits import rules as limit_rules

Code = Literal[limit_rules.Code, "mixed_cart", "terms_not_accepted", "not_available"]

SENTENCES: Mapping[str, Mapping[Code, str]] = {
    "en": {
        "below_minimum": "Please order at least {number}.",
        "above_maximum": "You can order at most {number}.",
        "customer_limit": "Each customer can order at most {number}.",
        "sold_out": "This can no longer be preordered in this quantity.",
        "mixed_cart": "Preorder items must be purchased separately.",
        "terms_not_accepted": "Please accept the preorder terms first.",
        "not_available": "This cannot be preordered at the moment.",
    },
    "de": {
        "below_minimum": "Bitte mindestens {number} bestellen.",
        "above_maximum": "Es können höchstens {number} bestellt werden.",
        "customer_limit": "Je Kundin oder Kunde können höchstens {number} bestellt werden.",
        "sold_out": "In dieser Menge kann das nicht mehr vorbestellt werden.",
        "mixed_cart": "Vorbestellungen müssen getrennt gekauft werden.",
        "terms_not_accepted": "Bitte zuerst den Bedingungen der Vorbestellung zustimmen.",
        "not_available": "Das kann zurzeit nicht vorbestellt werden.",
    },
    "es": {
        "below_minimum": "Pide al menos {number}.",
        "above_maximum": "Puedes pedir como máximo {number}.",
        "customer_limit": "Cada cliente puede pedir como máximo {number}.",
        "sold_out": "Ya no se puede reservar en esta cantidad.",
        "mixed_cart": "Los artículos en preventa deben comprarse por separado.",
        "terms_not_accepted": "Acepta primero las condiciones de la preventa.",
        "not_available": "No se puede reservar en este momento.",
    },
    "fr": {
        "below_minimum": "Veuillez en commander au moins {number}.",
        "above_maximum": "Vous pouvez en commander au plus {number}.",
        "customer_limit": "Chaque client peut en commander au plus {number}.",
        "sold_out": "Cet article ne peut plus être précommandé dans cette quantité.",
        "mixed_cart": "Les articles en précommande doivent être achetés séparément.",
        "terms_not_accepted": "Acceptez les conditions de la précommande avant de continuer.",
        "not_available": "Cet article ne peut pas être précommandé pour le moment.",
    },
}


def sentence(code: Code, locale: str | None, *, number: int | None = None) -> str:
    """Return the sentence for a refusal's code in the locale's language, or else in English.

    `number` is the limit that the sentence states, if it states one.
    """
    language = (locale or "").split("-", maxsplit=1)[0].lower()
    return SENTENCES.get(language, SENTENCES["en"])[code].format(number=number)
