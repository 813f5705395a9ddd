"""The control API: a merchant's actions, and faults on demand."""
