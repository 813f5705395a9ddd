"""Tenants: shops, their API keys, and how many points each may spend."""
