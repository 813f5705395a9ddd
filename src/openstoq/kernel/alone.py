"""Blocks that handle one of many items: a failure affects only that item, and is logged."""

from collections.abc import MutableMapping
from typing import Generic, TypeVar

import structlog

from openstoq.kernel.faults import is_of_item, sentence_of
from openstoq.kernel.metrics import ITEM_FAULTS

log = structlog.get_logger(__name__)

Item = TypeVar("Item")


class Alone(Generic[Item]):
    """A block that handles an item and whose failure affects only that item."""

    def __init__(self, kind: str, item: Item, failures: MutableMapping[Item, str]) -> None:
        self._kind, self._item, self._failures = kind, item, failures

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        """Record an exception that the item caused, and suppress it; let any other propagate."""
        if not isinstance(error, Exception) or not is_of_item(error):
            return False
        self._failures[self._item] = noted(self._kind, self._item, error)
        return True


def alone(kind: str, item: Item, failures: MutableMapping[Item, str]) -> Alone[Item]:
    """Return a block that stores its failure in `failures` if `item` caused it.

    Other errors propagate.
    """
    return Alone(kind, item, failures)


def noted(kind: str, item: object, error: Exception) -> str:
    """Return the sentence to store for an item's failure; also log and count the failure.

    An expected failure, such as a rule's answer that a balance is outstanding, is neither logged
    nor counted. No value of the item is logged.
    """
    sentence = sentence_of(error)
    if getattr(error, "is_answer", False):
        # The error is a rule's answer, such as that a balance is outstanding.
        return sentence
    log.warning("item.failed", kind=kind, item=str(item), error=sentence)
    ITEM_FAULTS.labels(kind).inc()
    return sentence
