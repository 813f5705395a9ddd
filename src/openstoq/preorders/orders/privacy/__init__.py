"""Privacy: export or erase the stored data of a customer's orders."""
