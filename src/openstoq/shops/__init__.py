"""Tenants: shops, their API keys, and the points that each may spend."""
