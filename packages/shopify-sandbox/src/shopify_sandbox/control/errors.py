"""Errors of the control API; their texts are sentences for the caller."""


class MissingError(LookupError):
    """A record that does not exist."""


class RefusalError(Exception):
    """A request that cannot be carried out."""
