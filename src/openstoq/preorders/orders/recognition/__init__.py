"""Recognise preorders by selling plans, lines that name an offer, the channel, and earlier readings."""
