"""Recovery: rescue stalled payments and orders."""
