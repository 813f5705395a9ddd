"""Actions and capabilities, the one path that runs them, and the documents made from them."""
