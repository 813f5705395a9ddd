"""Signups: the entries of each variant's waitlist. API v1 calls a signup an intent."""
