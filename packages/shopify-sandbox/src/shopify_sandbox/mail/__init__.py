"""A mail catcher: accepts all messages over SMTP, shows them over HTTP, and fails on demand."""
