"""Actions and capabilities, the code that runs them, and the documents generated from them."""
