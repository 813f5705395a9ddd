"""The Liquid of templates: a small part of the language, with bounds on what a shop's template uses.

Shops write templates, too. So no template may load another one or print a value without escaping
it, and a shop's template may not take much time or memory.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache, wraps
from time import thread_time
from typing import Any

from liquid import BoundTemplate, Environment, RenderContext, StrictUndefined
from liquid.exceptions import (
    LiquidError,
    LiquidSyntaxError,
    LocalNamespaceLimitError,
    LoopIterationLimitError,
    OutputStreamLimitError,
    ResourceLimitError,
    UnknownFilterError,
)

# Mail programs cut off what is longer: Gmail shows the first 102 KB of a message.
LONGEST_OUTPUT = 100_000
LONGEST_VALUE = 20_000
MOST_VALUES = 1_000
MOST_ITERATIONS = 100

TAGS = (
    "assign", "break", "capture", "case", "comment", "continue", "cycle", "echo", "for", "if",
    "liquid", "raw", "unless",
)  # fmt: skip
FILTERS = (
    "append", "capitalize", "default", "downcase", "escape", "escape_once", "first", "join", "last",
    "lstrip", "newline_to_br", "prepend", "remove", "remove_first", "replace", "replace_first",
    "rstrip", "size", "slice", "split", "strip", "strip_newlines", "truncate", "truncatewords",
    "upcase", "url_encode",
)  # fmt: skip

# Tags that the library needs to read any template. `raw` is not a tag to it but a kind of text.
_OF_THE_READER = ("#", "content", "doc", "illegal", "output")
_UNEXPECTED = re.compile(r"unexpected tag '(?P<tag>[^']*)'")


_REASONS: dict[type[Exception], str] = {
    LoopIterationLimitError: f"loops more than {MOST_ITERATIONS} times",
    OutputStreamLimitError: (
        f"writes more than {LONGEST_OUTPUT // 1000} KB, of which mail programs show no more"
    ),
    LocalNamespaceLimitError: f"keeps more than {4 * LONGEST_VALUE // 1000} KB in its variables",
    RecursionError: "is nested too deeply",
    UnknownFilterError: "has an unknown filter; there are: " + ", ".join(FILTERS),
}


class TemplateError(Exception):
    """A template that cannot be read or rendered; the text is the reason, as a sentence's rest.

    The text may quote a value with which the template was rendered. `kind` quotes none, so it may be
    logged.
    """

    def __init__(self, text: str, kind: str = "TemplateError") -> None:
        super().__init__(text)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that one rendering of a shop's template may take.

    A step reads a variable, applies a filter, sets a variable or begins a round of a loop. `seconds`
    of processor time are for a template that takes long in few steps.
    """

    steps: int = 5_000
    seconds: float = 0.1


class _BoundedContext(RenderContext):
    """A rendering of a shop's template, which fails once it has taken all that it may."""

    def __init__(self, template: BoundTemplate, **options: Any) -> None:
        super().__init__(template, **options)
        bounds = template.env.bounds if isinstance(template.env, _BoundedLanguage) else Bounds()
        self._steps_left = bounds.steps
        self._ends_at = thread_time() + bounds.seconds

    def _step(self) -> None:
        self._steps_left -= 1
        if self._steps_left < 0 or thread_time() > self._ends_at:
            raise ResourceLimitError("it takes too long", token=None)

    def get(self, path: list[object], **options: Any) -> object:
        """Return the value of a variable."""
        self._step()
        return super().get(path, **options)

    def filter(self, name: str, token: Any) -> Callable[..., object]:
        """Return the function of a filter."""
        self._step()
        return super().filter(name, token)

    def assign(self, key: str, val: Any) -> None:
        """Set a variable of the template."""
        self._step()
        super().assign(key, val)

    def loop(self, namespace: Any, forloop: Any) -> Any:
        """Enter a loop."""
        forloop.it = self._counted(forloop.it)
        return super().loop(namespace, forloop)

    def _counted(self, rounds: Iterator[Any]) -> Iterator[Any]:
        for each in rounds:
            self._step()
            yield each


class _BoundedTemplate(BoundTemplate):
    context_class = _BoundedContext


class _Language(Environment):
    """The tags and filters that a mail can need, of those that the library has."""

    def __init__(self, *, escapes: bool) -> None:
        super().__init__(autoescape=escapes, undefined=StrictUndefined, strict_filters=True)

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """Keep the tags and filters that are listed, and what the library needs for itself."""
        super().setup_tags_and_filters(extra=extra)
        kept = (*TAGS, *_OF_THE_READER)
        self.tags = {name: tag for name, tag in self.tags.items() if name in kept}
        self.filters = {name: self.filters[name] for name in FILTERS}


class _BoundedLanguage(_Language):
    """The same language, for templates of shops."""

    template_class = _BoundedTemplate
    loop_iteration_limit = MOST_ITERATIONS
    local_namespace_limit = 4 * LONGEST_VALUE
    output_stream_limit = LONGEST_OUTPUT

    def __init__(self, bounds: Bounds, *, escapes: bool) -> None:
        super().__init__(escapes=escapes)
        self.bounds = bounds
        self.filters = {name: _bounded(name, one) for name, one in self.filters.items()}


@cache
def _language(bounds: Bounds | None, *, escapes: bool) -> Environment:
    if bounds is None:
        return _Language(escapes=escapes)
    return _BoundedLanguage(bounds, escapes=escapes)


def compiled(source: str, *, escapes: bool, bounds: Bounds | None) -> BoundTemplate:
    """Return the compiled template of the text `source`; raise TemplateError if it has none.

    With `escapes`, values are escaped for HTML. Our own templates need no bounds: the mail of an
    order with hundreds of lines is as long as it has to be.
    """
    return _compiled_of_shop(source, bounds, escapes) if bounds else _compiled(source, escapes)


@cache
def _compiled(source: str, escapes: bool) -> BoundTemplate:
    return _language(None, escapes=escapes).from_string(source)


# A compiled template may take 4 MB, and a shop may try out as many as it has points for.
@lru_cache(maxsize=16)
def _compiled_of_shop(source: str, bounds: Bounds, escapes: bool) -> BoundTemplate:
    try:
        return _language(bounds, escapes=escapes).from_string(source)
    except (LiquidError, RecursionError, ValueError) as error:
        raise TemplateError(reason(error), type(error).__name__) from error


def rendered(template: BoundTemplate, **values: Any) -> str:
    """Return what a template says with these values; raise TemplateError if it cannot."""
    try:
        return template.render(**values)
    except Exception as error:
        # Filters and comparisons raise whatever Python raises for values of a wrong type.
        raise TemplateError(reason(error), type(error).__name__) from error


def reason(error: Exception) -> str:
    """Return the reason for an error in a template, as the rest of a sentence."""
    if isinstance(error, LiquidError) and type(error) not in _REASONS:
        return _said(error)
    return _REASONS.get(type(error), f"could not be rendered ({type(error).__name__})")


def _said(error: LiquidError) -> str:
    said = str(error.message or type(error).__name__)
    where = f" on line {line_of(error)}" if line_of(error) else ""
    unknown = _UNEXPECTED.match(said) if isinstance(error, LiquidSyntaxError) else None
    if unknown is not None:
        return f"has an unexpected tag {unknown['tag']}{where}; there are: {', '.join(TAGS)}"
    verb = "read" if isinstance(error, LiquidSyntaxError) else "rendered"
    return f"cannot be {verb}{where}: {said}"


def line_of(error: LiquidError) -> int | None:
    """Return the line of an error in a template, if the library tells."""
    token = error.token
    if token is None or token.start_index < 0:
        return None
    return token.source.count("\n", 0, token.start_index) + 1


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that refuses values, and results, that are too large."""

    @wraps(function)
    def bounded(value: object, *arguments: Any, **named: Any) -> object:
        for each in (value, *arguments):
            _check_size(each)
        # These multiply, so their result is measured before it is made.
        if name == "replace" and len(arguments) > 1:
            copies = str(value).count(str(arguments[0]))
            _check_length(len(str(value)) + copies * len(str(arguments[1])))
        if name == "join" and arguments and isinstance(value, list | tuple | range):
            _check_length(len(value) * len(str(arguments[0])))
        result = function(value, *arguments, **named)
        _check_size(result)
        return result

    return bounded


def _check_size(value: object) -> None:
    if isinstance(value, str):
        _check_length(len(value))
    elif isinstance(value, range):
        # `len` cannot measure a range of more than 64 bits.
        _check_length(LONGEST_VALUE + 1 if value.stop - value.start > MOST_VALUES else 0)
    elif isinstance(value, list | tuple):
        _check_length(LONGEST_VALUE + 1 if len(value) > MOST_VALUES else 0)
        _check_length(sum(len(str(each)) for each in value))


def _check_length(length: int) -> None:
    if length > LONGEST_VALUE:
        raise ResourceLimitError(
            f"a filter has more than {LONGEST_VALUE // 1000} KB to work on", token=None
        )
