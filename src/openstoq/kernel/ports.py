"""Ports and the adapters that bootstrap has plugged in; an adapter is found by its port's type.

A port stands for an outside service, or for a query of a package that the caller must not import.
"""

from collections.abc import Mapping
from typing import Any, TypeVar, cast

Port = TypeVar("Port")


class Ports:
    """The adapters of this process, each under the port that it implements."""

    def __init__(self, adapters: Mapping[Any, object]) -> None:
        self._adapters = dict(adapters)

    def get(self, port: type[Port]) -> Port:
        """Return the adapter of `port`; raise LookupError if bootstrap has registered none."""
        try:
            return cast("Port", self._adapters[port])
        except KeyError:
            raise LookupError(f"no adapter is plugged in for {port.__name__}") from None
