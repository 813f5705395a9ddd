"""Signups: the waitlist of each variant; API v1 calls one an intent."""
