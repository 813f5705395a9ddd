"""Privacy: what is kept of a customer's orders, and how it is forgotten."""
