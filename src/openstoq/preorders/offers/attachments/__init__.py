"""Attachments: the variants that each offer sells."""
