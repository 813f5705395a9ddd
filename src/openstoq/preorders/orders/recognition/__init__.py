"""Recognise preorders: our selling plans, and what was read before."""
