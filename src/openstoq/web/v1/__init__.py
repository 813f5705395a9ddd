"""API v1: the documented REST operations, translated to the same features as v2."""
