"""Notifications: every message to a shopper, from the decision to send it to its outcome."""
