"""Restocks: from a change of stock to the wave that notifies the waiting shoppers."""
