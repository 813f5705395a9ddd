"""Pages that a shopper sees."""
