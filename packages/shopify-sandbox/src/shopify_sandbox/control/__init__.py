"""The control API: a merchant's doings, and faults on demand."""
