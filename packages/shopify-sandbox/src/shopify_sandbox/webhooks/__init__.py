"""Webhooks: their bodies, and the courier that delivers them."""
