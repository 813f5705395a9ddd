"""A shop's own templates of messages and its brand: stored, shown and tried out."""
