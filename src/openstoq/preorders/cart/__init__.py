"""A cart, before its checkout: whether each line may be preordered, and with which texts."""
