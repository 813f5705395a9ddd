"""Intake: turn an order read from Shopify into our record of it."""
