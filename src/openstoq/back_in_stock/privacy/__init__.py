"""Shopify's three privacy requests: tell what is stored, forget a customer, forget a shop."""
