"""Our copy of each shop's products, variants and stock, pulled and kept current by webhooks."""
