"""The response shapes of orders, each beside the function that fills it."""
