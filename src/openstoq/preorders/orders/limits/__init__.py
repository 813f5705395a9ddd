"""Limits: how much may be preordered, and how much was."""
