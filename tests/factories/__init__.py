"""Small makers of what tests need, each with sensible defaults."""
