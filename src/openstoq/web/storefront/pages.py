"""The pages behind the links in mails, in the shopper's language and with the shop's brand."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from openstoq.back_in_stock.signups.page_facts import PageFacts
from openstoq.messaging.compose import FALLBACK, LANGUAGES, language, texts
from openstoq.messaging.mime import single_line, web_address_or_none
from openstoq.shops.model import Shop

_PAGE = Environment(autoescape=True).from_string(
    files(__package__).joinpath("page.html").read_text(encoding="utf-8")
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src https:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
# The longest list of languages that is read from a request.
_MOST_LANGUAGES = 20


@dataclass(frozen=True, slots=True)
class Reader:
    """The shop and the signup that a link names; there are no `facts` if the signup was deleted."""

    shop: Shop
    facts: PageFacts | None

    def page(self, *said: str, button: str | None = None) -> Response:
        """Return a page with these sentences, each named by its key among the texts of pages."""
        shop, facts = self.shop, self.facts
        spoken = language((facts.locale if facts is not None else None) or shop.locale)
        title = single_line(facts.product or "") if facts is not None else ""
        values = {"shop_name": single_line(shop.name), "product_title": title}
        if not title:
            values["product_title"] = texts(spoken, "pages", values)["this_product"]
        words = texts(spoken, "pages", values)
        return _response(
            spoken,
            words["title"],
            [words[key] for key in said],
            button=words[button] if button is not None else None,
            shop_name=values["shop_name"],
            brand=shop.brand.variables(),
            back=words["back"],
            back_url=web_address_or_none(
                facts.way_back(shop) if facts is not None else shop.storefront
            ),
        )


def invalid(request: Request) -> Response:
    """Return the page for a link that names no signup, in the browser's language."""
    spoken = browser_language(request.headers.get("accept-language", ""))
    words = texts(spoken, "pages", {"shop_name": "", "product_title": ""})
    return _response(spoken, words["title"], [words["invalid"]], status=404)


def browser_language(accepted: str) -> str:
    """Return the first language of an Accept-Language header in which we have texts, or English."""
    wanted = (one.partition(";")[0].strip() for one in accepted.split(",")[:_MOST_LANGUAGES])
    spoken = (tag.partition("-")[0].lower() for tag in wanted)
    return next((tag for tag in spoken if tag in LANGUAGES), FALLBACK)


def _response(
    spoken: str,
    title: str,
    paragraphs: Sequence[str],
    *,
    status: int = 200,
    **more: object,
) -> Response:
    html = _PAGE.render(language=spoken, title=title, paragraphs=paragraphs, **more)
    return HTMLResponse(html, status, headers={**_HEADERS, "Content-Language": spoken})
