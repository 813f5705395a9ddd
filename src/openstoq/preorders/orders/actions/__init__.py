"""Actions on orders: read them, and decide about them."""
