"""HTTP: the only package that knows requests, responses and headers."""
