"""A cart before its checkout: whether each line may be preordered, and the texts if it may not."""
