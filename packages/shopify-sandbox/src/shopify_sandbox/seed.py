"""The catalogues a shop starts with, small and the same every time."""

from dataclasses import dataclass
from decimal import Decimal
from itertools import product as combinations

from shopify_sandbox import merchant
from shopify_sandbox.shop import Shop


@dataclass(frozen=True, kw_only=True)
class SeedProduct:
    """A product to start with; `stock` holds each variant's stock at the two locations."""

    handle: str
    title: str
    vendor: str
    product_type: str
    price: str
    description: str
    options: tuple[tuple[str, tuple[str, ...]], ...] = (("Title", ("Default Title",)),)
    stock: tuple[tuple[int, int], ...]
    tags: tuple[str, ...] = ()
    compare_at_price: str | None = None
    id: int | None = None


# An id beyond 2^53, which loses digits where it is read as a float, as in JavaScript.
BEYOND_DOUBLE = 9_107_199_254_741_993

_SNOWDEVIL = (
    SeedProduct(
        handle="alpine-snowboard",
        title="Alpine Snowboard",
        vendor="Snowdevil",
        product_type="Snowboards",
        price="549.95",
        compare_at_price="599.95",
        description="A stiff all-mountain board that holds its edge on ice.",
        options=(("Length", ("148", "154", "160")),),
        stock=((0, 0), (4, 2), (0, 0)),
        tags=("winter", "board"),
        id=BEYOND_DOUBLE,
    ),
    SeedProduct(
        handle="merino-beanie",
        title="Merino Beanie",
        vendor="Peak Knitwear",
        product_type="Hats",
        price="34.00",
        description="Soft, warm, and quick to dry.",
        options=(("Colour", ("Charcoal", "Rust", "Cream")),),
        stock=((12, 8), (0, 0), (3, 0)),
        tags=("winter", "wool"),
    ),
    SeedProduct(
        handle="down-jacket",
        title="Down Jacket",
        vendor="Northface Works",
        product_type="Jackets",
        price="289.00",
        description="Responsibly sourced down for the coldest lifts.",
        options=(("Size", ("S", "M", "L")), ("Colour", ("Pine", "Black"))),
        stock=((2, 1), (0, 0), (5, 3), (4, 0), (0, 0), (1, 1)),
        tags=("winter", "outerwear"),
    ),
    SeedProduct(
        handle="wool-sweater",
        title="Wool Sweater",
        vendor="Peak Knitwear",
        product_type="Sweaters",
        price="119.00",
        description="A heavy knit for the hut.",
        options=(("Size", ("S", "M", "L")),),
        stock=((6, 2), (8, 4), (5, 0)),
        tags=("wool",),
    ),
    SeedProduct(
        handle="trail-mug",
        title="Trail Mug",
        vendor="Campfire Co",
        product_type="Drinkware",
        price="18.50",
        description="Enamelled steel, made to be dropped.",
        stock=((40, 25),),
    ),
    SeedProduct(
        handle="insulated-bottle",
        title="Insulated Bottle",
        vendor="Campfire Co",
        product_type="Drinkware",
        price="39.00",
        description="Keeps tea hot until the last run.",
        options=(("Volume", ("500 ml", "750 ml")),),
        stock=((10, 0), (0, 0)),
    ),
    SeedProduct(
        handle="canvas-tote",
        title="Canvas Tote",
        vendor="Snowdevil",
        product_type="Bags",
        price="24.00",
        description="Carries a helmet, a thermos and lunch.",
        stock=((0, 0),),
    ),
    SeedProduct(
        handle="glacier-wax",
        title="Glacier Wax",
        vendor="Snowdevil",
        product_type="Care",
        price="12.00",
        description="A fluorine-free wax for every temperature.",
        stock=((60, 30),),
    ),
)

_NORTHWIND = (
    SeedProduct(
        handle="stoneware-vase",
        title="Stoneware Vase",
        vendor="Atelier Nord",
        product_type="Decor",
        price="64.00",
        description="Thrown by hand, so no two are the same.",
        options=(("Glaze", ("Sand", "Ink")),),
        stock=((0, 0), (3, 1)),
        id=BEYOND_DOUBLE + 1_000_000,
    ),
    SeedProduct(
        handle="reading-lamp",
        title="Reading Lamp",
        vendor="Lumen",
        product_type="Lighting",
        price="149.00",
        description="A warm light that turns where you need it.",
        options=(("Colour", ("Brass", "Black", "White")),),
        stock=((2, 0), (0, 0), (7, 2)),
    ),
    SeedProduct(
        handle="cedar-candle",
        title="Cedar Candle",
        vendor="Atelier Nord",
        product_type="Candles",
        price="28.00",
        description="Forty hours of forest.",
        stock=((0, 0),),
    ),
    SeedProduct(
        handle="breakfast-mug",
        title="Breakfast Mug",
        vendor="Atelier Nord",
        product_type="Tableware",
        price="22.00",
        description="Holds exactly one good morning.",
        options=(("Glaze", ("Sand", "Ink", "Moss")),),
        stock=((14, 6), (9, 0), (0, 0)),
    ),
    SeedProduct(
        handle="linen-tote",
        title="Linen Tote",
        vendor="Weave & Co",
        product_type="Bags",
        price="36.00",
        description="For the market and the beach.",
        stock=((20, 10),),
    ),
    SeedProduct(
        handle="carafe",
        title="Glass Carafe",
        vendor="Lumen",
        product_type="Tableware",
        price="44.00",
        description="A litre of cold water, beautifully.",
        stock=((5, 5),),
    ),
)

_CATALOGUES = {"snowdevil": _SNOWDEVIL, "northwind": _NORTHWIND, "empty": ()}
_LOCATIONS = {
    "snowdevil": (
        {"name": "Aspen Warehouse", "city": "Aspen", "province": "Colorado", "province_code": "CO"},
        {"name": "Denver Shop", "city": "Denver", "province": "Colorado", "province_code": "CO"},
    ),
    "northwind": (
        {"name": "Lager Hamburg", "city": "Hamburg", "country": "Germany", "country_code": "DE"},
        {"name": "Laden Berlin", "city": "Berlin", "country": "Germany", "country_code": "DE"},
    ),
}


# The member states of the European Union.
_EUROPE = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
_ELSEWHERE = "AE AU BR CA CH GB IN JP KR KW MX NO NZ SG US ZA"


def _add_markets(shop: Shop, home: str) -> None:
    europe = [each for each in _EUROPE.split() if each != home]
    elsewhere = [each for each in _ELSEWHERE.split() if each != home]
    merchant.add_market(shop, name="Home", countries=[home])
    merchant.add_market(shop, name="European Union", countries=europe)
    merchant.add_market(shop, name="International", countries=elsewhere)


def fill(shop: Shop) -> None:
    """Give an empty shop its markets, locations and products."""
    action = shop.action()
    name = shop.config.catalogue
    _add_markets(shop, "DE" if name == "northwind" else "US")
    locations = [
        merchant.add_location(shop, action, **facts)
        for facts in _LOCATIONS.get(name, _LOCATIONS["snowdevil"])
    ]
    for each in _CATALOGUES[name]:
        choices = list(combinations(*(values for _, values in each.options)))
        merchant.add_product(
            shop,
            action,
            id=each.id,
            handle=each.handle,
            title=each.title,
            vendor=each.vendor,
            product_type=each.product_type,
            description=each.description,
            tags=each.tags,
            option_names=tuple(name for name, _ in each.options),
            variants=[
                merchant.NewVariant(
                    id=each.id + 32_768 * (index + 1) if each.id else None,
                    options=options,
                    price=Decimal(each.price),
                    compare_at_price=(
                        Decimal(each.compare_at_price) if each.compare_at_price else None
                    ),
                    sku=f"{each.handle}-{index + 1}".upper(),
                    available={
                        location.id: stock
                        for location, stock in zip(locations, each.stock[index], strict=True)
                    },
                )
                for index, options in enumerate(choices)
            ],
        )
