"""Write, delete and read metafields of variants and of the shop."""

from collections.abc import Sequence

from openstoq.commerce.port import CommerceRefused, Metafield
from openstoq.commerce.shopify.answers import TooExpensive, readable, reading
from openstoq.commerce.shopify.batches import Batches
from openstoq.commerce.shopify.client import Client
from openstoq.commerce.shopify.fields import Fields
from openstoq.kernel.ids import gid

MOST = 25
_PER_VARIANT = 25


async def write(
    client: Client, namespace: str, metafields: Sequence[Metafield]
) -> dict[tuple[int | None, str], str]:
    """Write any number of metafields, 25 per request.

    Returns the reason for each one that was refused, keyed by its variant id and key.
    """
    failures: dict[tuple[int | None, str], str] = {}
    shop = await _shop(client) if any(one.variant_id is None for one in metafields) else ""
    for start in range(0, len(metafields), MOST):
        await _write_some(client, namespace, shop, metafields[start : start + MOST], failures)
    return failures


async def delete(client: Client, namespace: str, keys: Sequence[tuple[int | None, str]]) -> None:
    """Delete metafields, ignoring those that do not exist.

    `keys` are pairs of a variant id and a metafield's key. The variant id of the shop's own
    metafields is None.
    """
    shop = await _shop(client) if any(owner is None for owner, _ in keys) else ""
    for start in range(0, len(keys), MOST):
        answer = await client.execute(
            "MetafieldsDelete",
            metafields=[
                {"ownerId": _owner(shop, owner), "namespace": namespace, "key": key}
                for owner, key in keys[start : start + MOST]
            ],
        )
        try:
            answer.payload("metafieldsDelete")
        except CommerceRefused:
            if len(keys) == 1:
                # The owner no longer exists, and so neither does the metafield.
                continue
            for one in keys[start : start + MOST]:
                await delete(client, namespace, [one])


async def read(
    client: Client, namespace: str, variant_ids: Sequence[int]
) -> dict[int, dict[str, str]]:
    """Read the values of variants' metafields by key, in batches."""
    found: dict[int, dict[str, str]] = {}
    batches = Batches([gid("ProductVariant", number) for number in variant_ids])
    while ids := batches.next():
        try:
            answer = await client.execute(
                "VariantsMetafields", ids=ids, namespace=namespace, first=_PER_VARIANT
            )
        except TooExpensive:
            batches.halve()
            continue
        batches.done(answer.cost.requested)
        with reading("VariantsMetafields"):
            nodes = [one for one in answer.whole().each("nodes") if one.has("id")]
            found |= dict(readable("VariantsMetafields", nodes, _values))
    return found


def _values(node: Fields) -> tuple[int, dict[str, str]]:
    metafields = node.inside("metafields").each("nodes")
    return node.id("id"), {one.text("key"): one.text("value") for one in metafields}


async def _write_some(
    client: Client,
    namespace: str,
    shop: str,
    batch: Sequence[Metafield],
    failures: dict[tuple[int | None, str], str],
) -> None:
    answer = await client.execute(
        "MetafieldsSet",
        metafields=[
            {
                "ownerId": _owner(shop, one.variant_id),
                "namespace": namespace,
                "key": one.key,
                "type": one.type,
                "value": one.value,
            }
            for one in batch
        ],
    )
    try:
        answer.payload("metafieldsSet")
    except CommerceRefused as refused:
        # A request is all or nothing, so its halves are sent again to find the refused metafield.
        if len(batch) > 1:
            half = len(batch) // 2
            await _write_some(client, namespace, shop, batch[:half], failures)
            await _write_some(client, namespace, shop, batch[half:], failures)
        else:
            told = "; ".join(each.message for each in refused.refusals) or str(refused)
            failures[(batch[0].variant_id, batch[0].key)] = told


async def _shop(client: Client) -> str:
    answer = await client.execute("ShopId")
    with reading("ShopId"):
        return gid("Shop", answer.whole().inside("shop").id("id"))


def _owner(shop: str, variant_id: int | None) -> str:
    return shop if variant_id is None else gid("ProductVariant", variant_id)
