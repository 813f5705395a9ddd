"""Preorder orders: read from the shop, held, collected, released, cancelled and refunded."""
