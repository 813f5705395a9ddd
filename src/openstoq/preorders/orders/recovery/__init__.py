"""Recovery: work that stalled is begun again."""
