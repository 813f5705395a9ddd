"""Answers of Shopify about orders."""

from datetime import UTC, datetime

from tests.commerce.server import answer

MOMENT = datetime(2026, 6, 20, 14, 30, tzinfo=UTC)


def order_reply(node, errors=None):
    return answer({"order": node}, errors)
