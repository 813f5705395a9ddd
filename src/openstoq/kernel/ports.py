"""Ports: look up the adapter of an outside service by type; bootstrap registers the adapters."""

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
