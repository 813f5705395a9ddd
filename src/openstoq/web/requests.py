"""Requests: read the query, the body and the named shop before an action is called."""

from collections.abc import Collection, Iterable
from urllib.parse import parse_qsl, unquote

from starlette.requests import Request
from starlette.types import Scope

from openstoq.actions.admission import TWO_SHOPS
from openstoq.errors import BadRequest, Invalid

_MOST_PARAMETERS = 1000
_SHOP = "x-shopify-shop-domain"
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}

# Names that caches, advertisements, mailings and analytics add to any address that passes through
# them. They are never meant for us. A field of an action must not have one of these names.
_ADDED = frozenset({
    "_", "_t", "_ts", "_dc", "_cb", "cb", "cachebust", "cachebuster", "cache_buster", "nocache",
    "no_cache", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "gad", "gad_source",
    "gad_campaignid", "gcl_au", "srsltid", "_ga", "_gl", "_gac", "_gid", "fbclid", "fbc", "fbp",
    "_fbc", "_fbp", "igsh", "igshid", "msclkid", "twclid", "ttclid", "tt_medium", "tt_content",
    "li_fat_id", "epik", "sccid", "rdt_cid", "qclid", "yclid", "ysclid", "ymclid", "_openstat",
    "wickedid", "irclickid", "irgwc", "cjevent", "ranmid", "raneaid", "ransiteid", "mc_cid",
    "mc_eid", "_ke", "_kx", "mkt_tok", "vero_id", "vero_conv", "oly_enc_id", "oly_anon_id",
    "_bta_tid", "_bta_c", "trk_contact", "trk_msg", "trk_module", "trk_sid", "hsctatracking",
    "_hsenc", "_hsmi", "__hssc", "__hstc", "__hsfp", "s_kwcid", "ef_id", "mkevt", "mkcid",
    "mkrid", "dm_i", "sb_referer_host", "guce_referrer", "guce_referrer_sig",
})  # fmt: skip
_ADDED_PREFIXES = ("utm_", "mtm_", "matomo_", "pk_", "piwik_", "hsa_", "stm_")


def visitor_of(request: Request) -> str | None:
    """Return the client's address as the outermost proxy reports it, or None if none is reported.

    Any client can forge the header, X-Forwarded-For. So use the address only for a request that a
    proxy has signed.
    """
    return request.headers.get("x-forwarded-for", "").partition(",")[0].strip() or None


def segments_of(scope: Scope, base: str) -> list[str] | None:
    """Return the path's decoded segments below `base`, or None if they cannot be decoded.

    The path is split before it is decoded, so that an encoded slash stays within its segment.
    """
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    below = raw.partition(b"?")[0].removeprefix(base.encode()).strip(b"/")
    try:
        segments = [unquote(part.decode(), errors="strict") for part in below.split(b"/")]
    except UnicodeDecodeError:
        return None
    if any("\x00" in segment for segment in segments):
        return None
    return segments if below else []


def is_added(name: str) -> bool:
    """Return whether a query parameter was added by a cache or a tracker, and not by the caller."""
    name = name.lower()
    return name in _ADDED or name.startswith(_ADDED_PREFIXES)


def query_of(scope: Scope, *, lists: Collection[str] = ()) -> dict[str, str | list[str]]:
    """Return the query's values, without those that caches and trackers add.

    The value of a name in `lists` is always a list. Callers may write the list as a[]=1&a[]=2,
    a=1&a=2 or a=1,2. Raises BadRequest if the query cannot be read, and Invalid if a name that is
    not in `lists` is repeated.
    """
    return values_of(pairs_of(scope), lists=lists)


def values_of(
    pairs: Iterable[tuple[str, str]], *, lists: Collection[str]
) -> dict[str, str | list[str]]:
    """Return what `query_of` returns, for a query that was already split into pairs."""
    values: dict[str, str | list[str]] = {}
    repeated: dict[str, None] = {}
    for name, value in pairs:
        listed = name.removesuffix("[]")
        present = values.get(listed if listed in lists else name)
        if listed in lists:
            parts = [part.strip() for part in value.split(",") if part.strip()]
            values[listed] = [*present, *parts] if isinstance(present, list) else parts
        elif is_added(name):
            continue
        elif present is not None:
            repeated[name] = None
        else:
            values[name] = value
    if repeated:
        raise Invalid(*(f"{name} may be given only once" for name in repeated))
    return values


def dry_run_of(scope: Scope) -> bool:
    """Return whether the query sets `dry_run` to true.

    Raises Invalid if the query has any other parameter, or if `dry_run` is neither true nor false.
    """
    values = query_of(scope)
    problems = [
        f"{name} is not a known query parameter; send it in the body"
        for name in values
        if name != "dry_run"
    ]
    asked = _TRUTHS.get(str(values.get("dry_run", "false")).lower())
    if asked is None:
        problems.append("dry_run must be true or false")
    if problems:
        raise Invalid(*problems)
    return bool(asked)


async def json_body_of(request: Request) -> bytes:
    """Return the body of a write, which must be a JSON object whatever its Content-Type says.

    `curl -d '{…}'` declares its JSON as a form, so the body itself decides. Raises BadRequest for
    a body that is neither declared as JSON nor begins like a JSON object.
    """
    body = await request.body()
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = declared in ("", "application/json") or declared.endswith("+json")
    if not is_json and body.strip() and not body.lstrip().startswith(b"{"):
        raise BadRequest(
            "send the body as a JSON object, with the header Content-Type: application/json"
        )
    return body


def pairs_of(scope: Scope) -> list[tuple[str, str]]:
    """Return the query's names and values, in order; raise BadRequest when it cannot be read."""
    query: bytes = scope["query_string"]
    try:
        return parse_qsl(
            query.decode(),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
    except UnicodeDecodeError as error:
        raise BadRequest("the query is not valid UTF-8") from error
    except ValueError as error:
        raise BadRequest(f"the query has more than {_MOST_PARAMETERS} parameters") from error


def shop_named_by(request: Request, *others: str | None) -> str | None:
    """Return the domain of the shop that is named by the header or by `others`.

    Requests without a key name their shop in this way. Returns None if no shop is named. Raises
    BadRequest if different shops are named.
    """
    given = (request.headers.get(_SHOP), *others)
    named = list(dict.fromkeys(one.strip().lower() for one in given if one and one.strip()))
    if len(named) > 1:
        raise BadRequest(TWO_SHOPS)
    return named[0] if named else None


def shops_of(request: Request) -> list[str]:
    """Return the shop domains that a request names, in the header and the query."""
    query = parse_qsl(request.scope["query_string"].decode("latin-1"))
    named = [request.headers.get(_SHOP), *(value for name, value in query if name == "shop")]
    return [one for one in named if one]
