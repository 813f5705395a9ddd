"""Actions on orders: what a merchant reads of them, decides and asks for."""
