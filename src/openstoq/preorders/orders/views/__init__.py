"""The shapes in which the API shows orders, each beside the function that fills it."""
