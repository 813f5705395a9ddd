"""Tests, by feature as in src; what they share stands in factories and facts."""
