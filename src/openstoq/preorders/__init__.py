"""Preorders: offers that sell variants before they are in stock, and their effect on the shop."""
