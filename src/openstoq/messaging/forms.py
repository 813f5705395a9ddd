"""The forms of messages: the parts that a template has on each channel, and its rules.

A form is of a channel and a purpose, such as an alert by e-mail. The preview of a channel, the
validation of a template and the actions all go by this table, so a new channel needs its lines here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from liquid import BoundTemplate

from openstoq.messaging.bounded_liquid import FILTERS, Bounds, TemplateError, compiled, rendered


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message: `default` is the file of our own template."""

    default: str
    escapes: bool
    longest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The parts of a message. `gaps` are the variables whose values differ between recipients.

    Each part in `linked` has to print the variable `link`: without it, the reader could not answer
    the message.
    """

    parts: Mapping[str, Part]
    gaps: Sequence[str]
    link: str
    purpose_of_link: str
    linked: Sequence[str]


class MessageKind(NamedTuple):
    """A kind of message: its channel, and its purpose, which is alert or optin."""

    channel: str
    purpose: str


ALERT_MAIL, OPTIN_MAIL = MessageKind("email", "alert"), MessageKind("email", "optin")

FORMS: Mapping[MessageKind, Form] = {
    ALERT_MAIL: Form(
        parts={
            "subject": Part("alert.subject.liquid", escapes=False, longest=500),
            "text": Part("alert.txt.liquid", escapes=False, longest=20_000),
            "html": Part("alert.html.liquid", escapes=True, longest=80_000),
        },
        gaps=("name", "greeting", "product_link", "unsubscribe_url"),
        link="unsubscribe_url",
        purpose_of_link="shoppers need to unsubscribe",
        linked=("text", "html"),
    ),
    OPTIN_MAIL: Form(
        parts={
            "subject": Part("optin.subject.liquid", escapes=False, longest=500),
            "text": Part("optin.txt.liquid", escapes=False, longest=20_000),
            "html": Part("optin.html.liquid", escapes=True, longest=80_000),
        },
        gaps=(),
        link="confirm_url",
        purpose_of_link="shoppers need to confirm",
        linked=("text", "html"),
    ),
}


def variable_names(values: Mapping[str, Any]) -> list[str]:
    """Return the names of all variables, such as product_title and brand.footer."""
    return sorted(_names(values, ""))


def _names(values: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _names(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def problems(form: Form, name: str, source: str, samples: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each problem of the template `source` of the part `name`.

    `samples` are all variables with values, at least one with as few values as can be.
    """
    part = form.parts[name]
    if len(source) > part.longest:
        return [f"{name} is longer than {part.longest} characters; shorten it"]
    try:
        template = compiled(source, escapes=part.escapes, bounds=Bounds())
    except TemplateError as error:
        return [f"{name} {error}"]
    unknown = list(dict.fromkeys(_unknown(name, source, part, samples[0])))
    if unknown:
        return unknown
    failures = (_failure(form, name, template, sample) for sample in samples)
    return [failure for failure in failures if failure is not None][:1]


def _failure(
    form: Form, name: str, template: BoundTemplate, sample: Mapping[str, Any]
) -> str | None:
    """Return a sentence about how a template fails with the values of a sample."""
    try:
        text = rendered(template, **sample)
    except TemplateError as error:
        return f"{name} {error}"
    if not text.strip():
        return f"{name} says nothing for some products; write a text, or leave it out"
    if name in form.linked and str(sample[form.link]) not in text:
        return f"{name} must always print {{{{ {form.link} }}}}, which {form.purpose_of_link}"
    return None


def _unknown(name: str, source: str, part: Part, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each variable and filter that does not exist."""
    analysis = compiled(source, escapes=part.escapes, bounds=Bounds()).analyze()
    known = variable_names(values)
    for variables in analysis.globals.values():
        for variable in variables:
            line = source.count("\n", 0, variable.span.index) + 1
            shown = str(variable)
            if any(not isinstance(step, str) for step in variable.segments):
                yield (
                    f"{name} looks up {shown} on line {line}, and brackets are not supported; "
                    "write the variable's name with dots"
                )
            elif not _exists(variable.segments, values):
                yield (
                    f"{name} names the variable {shown} on line {line}, which does not exist; "
                    f"there are: {', '.join(known)}"
                )
    for filter_name, spans in analysis.filters.items():
        if filter_name not in FILTERS:
            line = source.count("\n", 0, spans[0].index) + 1
            yield (
                f"{name} names the filter {filter_name} on line {line}, which does not exist; "
                f"there are: {', '.join(FILTERS)}"
            )


def _exists(segments: Sequence[Any], values: Mapping[str, Any]) -> bool:
    found: Any = values
    for step in segments:
        if not isinstance(found, Mapping):
            # Liquid's own property of any text.
            return bool(step == "size")
        if step not in found:
            return False
        found = found[step]
    return not isinstance(found, Mapping)
