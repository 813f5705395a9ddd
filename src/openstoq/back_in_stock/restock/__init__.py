"""Restocks: from a change of stock to the wave that tells who waits."""
