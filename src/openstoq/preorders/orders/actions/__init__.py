"""Actions on orders: a merchant reads orders, and decides about them."""
