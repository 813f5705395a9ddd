"""API v1: the documented REST operations, translated onto the same features as v2."""
