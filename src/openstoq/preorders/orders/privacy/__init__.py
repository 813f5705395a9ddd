"""Privacy: export or forget the stored data of a customer's orders."""
