"""Preorder orders: read from Shopify, held, collected, released, cancelled and refunded."""
