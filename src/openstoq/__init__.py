"""openstoq: self-hosted preorders and back-in-stock alerts for Shopify shops."""

__version__ = "0.1.0"
