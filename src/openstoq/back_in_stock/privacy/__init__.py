"""Shopify's three privacy requests: export a customer's data, forget a customer, forget a shop."""
