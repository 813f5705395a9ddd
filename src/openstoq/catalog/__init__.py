"""Our copy of each shop's products, variants and stock.

It is pulled from the shop, and kept current by webhooks.
"""
