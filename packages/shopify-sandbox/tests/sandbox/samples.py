"""Where Shopify's schema, samples and recordings are, if somebody has put them beside the checkout."""

from pathlib import Path

SHOPIFY = Path(__file__).resolve().parents[5] / "shared" / "shopify"
