"""A mail catcher: takes every message over SMTP and shows it over HTTP, and fails on demand."""
