"""Waitlists as CSV files: importing those of other apps, and exporting our own."""
