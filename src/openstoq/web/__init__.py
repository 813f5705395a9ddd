"""HTTP: only this package and `mcp` know requests, responses and headers."""
