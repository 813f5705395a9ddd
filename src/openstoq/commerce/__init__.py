"""What we need of the shop that sells: the port, and its adapter for Shopify."""
