"""Set inventory policies, and read the products of a collection."""

from collections.abc import AsyncIterator, Mapping

from openstoq.commerce.port import CommerceRefused, InventoryPolicy
from openstoq.commerce.shopify.answers import reading
from openstoq.commerce.shopify.client import Client
from openstoq.commerce.shopify.pages import next_cursor
from openstoq.kernel.ids import gid

MOST = 250


async def set_policies(
    client: Client, product_id: int, policies: Mapping[int, InventoryPolicy]
) -> dict[int, str]:
    """Set inventory policies of a product's variants; return the reason for each that failed."""
    failures: dict[int, str] = {}
    wanted = list(policies.items())
    for start in range(0, len(wanted), MOST):
        batch = wanted[start : start + MOST]
        answer = await client.execute(
            "VariantsInventoryPolicyUpdate",
            productId=gid("Product", product_id),
            variants=[
                {"id": gid("ProductVariant", variant), "inventoryPolicy": policy.upper()}
                for variant, policy in batch
            ],
            partial=True,
        )
        try:
            answer.payload("productVariantsBulkUpdate")
        except CommerceRefused as refused:
            for refusal in refused.refusals:
                # The field names the variant: variants, its place in the list, ….
                place = next((int(part) for part in refusal.field if part.isdigit()), None)
                blamed = batch if place is None else batch[place : place + 1]
                failures |= {variant: refusal.message for variant, _ in blamed}
    return failures


async def collection_products(client: Client, collection_id: int) -> AsyncIterator[list[int]]:
    """Read the ids of a collection's products, page by page."""
    after: str | None = None
    while True:
        answer = await client.execute(
            "CollectionProductsPage",
            id=gid("Collection", collection_id),
            first=MOST,
            after=after,
        )
        with reading("CollectionProductsPage"):
            told = answer.whole()
            if not told.has("collection"):
                raise CommerceRefused(f"the shop has no collection {collection_id}")
            page = told.inside("collection").inside("products")
            ids = [node.id("id") for node in page.each("nodes")]
            after = next_cursor(page)
        yield ids
        if after is None:
            return
