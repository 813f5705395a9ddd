"""Sync the decisions about an order to Shopify."""
