"""Variants across all the offers that sell them: counts, metafields, drift."""
