"""Hold, release and split fulfillment orders."""

from collections.abc import Mapping, Sequence
from typing import Any

from openstoq.commerce.port import CommerceRefused
from openstoq.commerce.shopify.answers import reading
from openstoq.commerce.shopify.client import Client
from openstoq.commerce.shopify.fields import Fields
from openstoq.kernel.ids import gid

_PLACED = {"DUPLICATE_FULFILLMENT_HOLD_HANDLE"}
_GONE = {"FULFILLMENT_ORDER_NOT_FOUND"}


async def hold(
    client: Client,
    fulfillment_order_id: int,
    *,
    handle: str,
    note: str | None,
    lines: Mapping[int, int] | None,
) -> None:
    """Place a hold on a fulfillment order, unless this app already has one with the same handle."""
    if lines is not None and not lines:
        # Shopify would treat an empty list as all lines.
        return
    wanted: dict[str, Any] = {
        # The only reason for which Shopify's admin always shows the note.
        "reason": "OTHER",
        "handle": handle,
        "notifyMerchant": False,
    }
    if note:
        wanted["reasonNotes"] = note
    if lines is not None:
        wanted["fulfillmentOrderLineItems"] = _units(lines)
    try:
        answer = await client.execute(
            "FulfillmentOrderHold", id=gid("FulfillmentOrder", fulfillment_order_id), hold=wanted
        )
        answer.payload("fulfillmentOrderHold")
    except CommerceRefused as refused:
        if {refusal.code for refusal in refused.refusals} == _PLACED:
            return
        # A partial hold that is repeated after a lost response is refused because of the first
        # attempt: held units cannot be split.
        there = await _holds(client, fulfillment_order_id)
        if not any(
            each.text("handle") == handle and each.flag_or_none("heldByRequestingApp") is True
            for each in there
        ):
            raise


async def release(client: Client, fulfillment_order_id: int, hold_ids: Sequence[int]) -> None:
    """Release these holds; if Shopify refuses, retry with those of them that still exist."""
    wanted = set(hold_ids)
    # Without ids, Shopify would release every hold, including those of other apps.
    while wanted:
        try:
            answer = await client.execute(
                "FulfillmentOrderReleaseHold",
                id=gid("FulfillmentOrder", fulfillment_order_id),
                holdIds=[gid("FulfillmentHold", one) for one in sorted(wanted)],
            )
            answer.payload("fulfillmentOrderReleaseHold")
        except CommerceRefused as refused:
            if {refusal.code for refusal in refused.refusals} == _GONE:
                return
            there = {each.id("id") for each in await _holds(client, fulfillment_order_id)}
            if wanted <= there:
                raise
            wanted &= there
        else:
            return


async def split(client: Client, fulfillment_order_id: int, lines: Mapping[int, int]) -> None:
    """Split units off a fulfillment order; `lines` maps fulfillment line ids to numbers of units."""
    answer = await client.execute(
        "FulfillmentOrderSplit",
        # If it were sent twice, the units would be split off twice.
        once=True,
        splits=[
            {
                "fulfillmentOrderId": gid("FulfillmentOrder", fulfillment_order_id),
                "fulfillmentOrderLineItems": _units(lines),
            }
        ],
    )
    answer.payload("fulfillmentOrderSplit")


async def _holds(client: Client, fulfillment_order_id: int) -> list[Fields]:
    answer = await client.execute(
        "FulfillmentOrderById", id=gid("FulfillmentOrder", fulfillment_order_id)
    )
    with reading("FulfillmentOrderById"):
        return answer.whole().inside("fulfillmentOrder").each("fulfillmentHolds")


def _units(lines: Mapping[int, int]) -> list[dict[str, Any]]:
    return [
        {"id": gid("FulfillmentOrderLineItem", line), "quantity": quantity}
        for line, quantity in lines.items()
    ]
