"""Offers: how variants are sold before they are in stock."""
