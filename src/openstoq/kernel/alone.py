"""Blocks about one item of many, whose failure costs that item alone, and is logged and counted."""

from collections.abc import MutableMapping
from typing import Generic, TypeVar

import structlog

from openstoq.kernel.faults import is_of_item, sentence_of
from openstoq.kernel.metrics import ITEM_FAULTS

log = structlog.get_logger(__name__)

Item = TypeVar("Item")


class Alone(Generic[Item]):
    """A block about one item, whose failure costs that item alone."""

    def __init__(self, kind: str, item: Item, failures: MutableMapping[Item, str]) -> None:
        self._kind, self._item, self._failures = kind, item, failures

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        """Note why the item failed, and go on behind the block, unless everybody would fail."""
        if not isinstance(error, Exception) or not is_of_item(error):
            return False
        self._failures[self._item] = noted(self._kind, self._item, error)
        return True


def alone(kind: str, item: Item, failures: MutableMapping[Item, str]) -> Alone[Item]:
    """Let a failure in the block cost this item alone, and be noted in `failures`."""
    return Alone(kind, item, failures)


def noted(kind: str, item: object, error: Exception) -> str:
    """Log and count that an item failed, without its values, and return the sentence."""
    sentence = sentence_of(error)
    if getattr(error, "is_answer", False):
        # A rule's, such as that a balance is outstanding.
        return sentence
    log.warning("item.failed", kind=kind, item=str(item), error=sentence)
    ITEM_FAULTS.labels(kind).inc()
    return sentence
