"""Actions that read orders, and that make decisions on them."""
