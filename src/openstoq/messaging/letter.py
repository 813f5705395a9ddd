"""A message made from templates: from a shop's own where it has them, and from ours otherwise.

A shop's template that fails is replaced by ours, part by part, so that it never stops a message.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openstoq.messaging.bounded_liquid import Bounds, TemplateError
from openstoq.messaging.compose import Body, source, with_head
from openstoq.messaging.forms import Form
from openstoq.messaging.mime import single_line


@dataclass(frozen=True, slots=True)
class OwnPart:
    """A shop's own template of a part, and the locale under which it is stored."""

    source: str
    locale: str


@dataclass(slots=True)
class OwnParts:
    """A shop's own templates for one reader's locale, by part; those that failed are noted."""

    parts: Mapping[str, OwnPart] = field(default_factory=dict)
    failures: dict[tuple[str, str], str] = field(default_factory=dict)
    """The kind of error by the locale and the name of the part."""

    def get(self, name: str) -> OwnPart | None:
        """Return the shop's own template of a part, if it has one."""
        return self.parts.get(name)

    def note(self, name: str, error: TemplateError) -> None:
        """Note that the shop's own template of a part has failed."""
        self.failures.setdefault((self.parts[name].locale, name), error.kind)


class Letter:
    """The parts of a message, rendered for all of its recipients as far as they are the same.

    `shared` holds the variables that are the same for all recipients.
    """

    def __init__(self, form: Form, own: OwnParts, shared: Mapping[str, Any]) -> None:
        self._form, self._own, self._shared = form, own, with_head(shared)
        self._defaults: dict[str, Body] = {}
        self._chosen: dict[str, Body] = {}
        for name in form.parts:
            self._chosen[name] = self._own_body(name) or self._default(name)

    def body(self, name: str) -> Body:
        """Return a part as it is rendered for the recipients."""
        return self._chosen[name]

    def encoded(self, name: str, fillings: Mapping[str, str | None]) -> bytes:
        """Return a part for one recipient, encoded for a mail."""
        try:
            return self._chosen[name].encoded(fillings)
        except TemplateError as error:
            return self._instead(name, error).encoded(fillings)

    def text(self, name: str, fillings: Mapping[str, str | None]) -> str:
        """Return a part for one recipient as text."""
        try:
            return self._chosen[name].rendered(fillings)
        except TemplateError as error:
            return self._instead(name, error).rendered(fillings)

    def line(self, name: str, fillings: Mapping[str, str | None]) -> str:
        """Return a part for one recipient on one line; a line without text is replaced by ours."""
        line = single_line(self.text(name, fillings))
        if not line:
            ours = self._instead(name, TemplateError("says nothing", "Empty"))
            line = single_line(ours.rendered(fillings))
        return line

    def _own_body(self, name: str) -> Body | None:
        own = self._own.get(name)
        if own is None:
            return None
        escapes = self._form.parts[name].escapes
        try:
            return Body(
                own.source,
                escapes=escapes,
                shared=self._shared,
                gaps=self._form.gaps,
                bounds=Bounds(),
            )
        except TemplateError as error:
            self._own.note(name, error)
            return None

    def _default(self, name: str) -> Body:
        if name not in self._defaults:
            part = self._form.parts[name]
            self._defaults[name] = Body(
                source(part.default),
                escapes=part.escapes,
                shared=self._shared,
                gaps=self._form.gaps,
            )
        return self._defaults[name]

    def _instead(self, name: str, error: TemplateError) -> Body:
        """Return our own template of a part; raise the error if it was ours that failed."""
        if self._chosen[name] is self._defaults.get(name):
            raise error
        self._own.note(name, error)
        return self._default(name)
