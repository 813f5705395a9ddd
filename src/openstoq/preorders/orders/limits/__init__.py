"""Limits: the units that may be preordered, and the units already preordered."""
