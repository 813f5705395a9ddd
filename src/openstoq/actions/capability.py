"""A capability: one settings document with GET, deep-partial PATCH and named edits."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from types import UnionType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from openstoq.actions.action import Action, Loader, declared
from openstoq.actions.context import Context
from openstoq.actions.requirements import Requirement
from openstoq.actions.validation import Path, sentences
from openstoq.errors import Invalid
from openstoq.kernel.declaration import documentation, keyword_fields
from openstoq.kernel.patch import READ_ONLY, merge, partial_of, reread

Document = TypeVar("Document", bound=BaseModel)
Sent = ParamSpec("Sent")
Edit = Callable[Concatenate[Document, Sent], None]
Save = Callable[[Context, Any], Awaitable[None]]
# Returns the path and the rest of the sentence for each problem of a PATCH body.
Rule = Callable[[Document, Mapping[str, Any]], Iterable[tuple[Path, str]]]


class Capability(Generic[Document]):
    """The actions on one settings document, whatever kind of object it belongs to.

    That object is the owner, and the document is its attribute `name`. The functions that load and
    save an owner are passed to `actions`. When `save` finds a problem in a field, it raises Invalid
    with a sentence that begins with the field's path in the owner, such as markets.market_ids.
    """

    def __init__(
        self,
        document: type[Document],
        *,
        name: str,
        about: str,
        note: str = "",
        aliases: tuple[str, ...] = (),
        patch_only: dict[str, Any] | None = None,
    ) -> None:
        self.document, self.name, self.about, self.note = document, name, about, note
        self.aliases = aliases
        self.patch = partial_of(document, **(patch_only or {}))
        self._translated: Callable[[dict[str, Any]], None] = lambda changes: None  # noqa: ARG005 - a PATCH without aliases
        self._rules: list[Rule[Document]] = []
        self._edits: list[tuple[Callable[..., None], tuple[str, ...], tuple[Requirement, ...]]] = []

    def edit(
        self, *aliases: str, requires: tuple[Requirement, ...] = ()
    ) -> Callable[[Edit[Document, Sent]], Edit[Document, Sent]]:
        """Declare a POST action that makes a named change to the document and nothing else."""

        def declare(change: Edit[Document, Sent]) -> Edit[Document, Sent]:
            self._edits.append((change, aliases, requires))
            return change

        return declare

    def translate(
        self, change: Callable[[dict[str, Any]], None]
    ) -> Callable[[dict[str, Any]], None]:
        """Declare the function that turns aliases in a PATCH body into fields of the document."""
        self._translated = change
        return change

    def rule(self, rule: Rule[Document]) -> Rule[Document]:
        """Declare a rule about a PATCH body and the document that it is merged into."""
        self._rules.append(rule)
        return rule

    def merged(
        self,
        document: Document,
        changes: dict[str, Any],
        *,
        under: Path = (),
        unread: Iterable[Path] = (),
    ) -> Document:
        """Return `document` with a PATCH merged into it; raise Invalid with every problem.

        `unread` are the paths of fields that were sent but could not be read. Problems that may
        only be due to the absence of these fields are left out.
        """
        unreadable = {path[0] for path in unread if path}
        problems = [
            f"{'.'.join((*under, *path))} {sentence}"
            for rule in self._rules
            for path, sentence in rule(document, changes)
            if path[0] not in unreadable
        ]
        self._translated(changes)
        try:
            merged = merge(document, changes)
        except ValidationError as error:
            problems += sentences(error, under=under, unread=unread)
            raise Invalid(*problems) from error
        if problems:
            raise Invalid(*problems)
        return merged

    def edited(
        self, document: Document, change: Callable[[Document], None], *, under: Path = ()
    ) -> Document:
        """Return a copy of `document` with `change` applied; raise Invalid with every problem."""
        # The change is made on a copy, because a validator that fails may leave a model half changed.
        copy = document.model_copy(deep=True)
        try:
            change(copy)
            return reread(copy)
        except ValidationError as error:
            raise Invalid(*sentences(error, under=under)) from error

    def actions(self, owner: str, path: str, *, load: Loader, save: Save) -> Iterator[Action]:
        """Yield the actions on this document of an owner: read, update, and the named edits.

        `owner` is the start of their names, such as preorders.offers. `path` is the start of their
        paths, such as /preorders/offers/{id}.
        """
        name, here = f"{owner}.{self.name}", f"{path}/{self.name}"
        yield self._read(name, here, load)
        yield self._update(name, here, load, save)
        for change, aliases, requires in self._edits:
            yield self._named_edit(
                change,
                aliases=aliases,
                requires=requires,
                name=name,
                path=here,
                load=load,
                save=save,
            )

    def _read(self, name: str, path: str, load: Loader) -> Action:
        async def read(_: Context, owner: Any) -> Any:
            return getattr(owner, self.name)

        read.__doc__ = f"Read {self.about}."
        read.__annotations__["return"] = self.document
        return declared(
            read,
            name=f"{name}.read",
            method="GET",
            path=path,
            status=200,
            aliases=tuple(f"show {alias}" for alias in self.aliases),
            load=load,
        )

    def _update(self, name: str, path: str, load: Loader, save: Save) -> Action:
        async def update(context: Context, owner: Any, changes: dict[str, Any]) -> Any:
            setattr(owner, self.name, self.merged(getattr(owner, self.name), changes))
            await self._save(context, owner, save)
            return getattr(owner, self.name)

        def check(owner: Any, changes: dict[str, Any], unread: Collection[Path]) -> list[str]:
            try:
                self.merged(getattr(owner, self.name), changes, unread=unread)
            except Invalid as invalid:
                return invalid.messages
            return []

        update.__doc__ = (
            f"Update {self.about}.\n\nDeep partial. {toggles(self.document)} {self.note}"
        )
        update.__annotations__["return"] = self.document
        return declared(
            update,
            name=f"{name}.update",
            method="PATCH",
            path=path,
            status=202,
            aliases=tuple(f"change {alias}" for alias in self.aliases),
            request=self.patch,
            load=load,
            partial=True,
            check=check,
        )

    async def _save(
        self, context: Context, owner: Any, save: Save, parameters: Collection[str] = ()
    ) -> None:
        try:
            await save(context, owner)
        except Invalid as invalid:
            messages = [self._as_sent(message, parameters) for message in invalid.messages]
            raise Invalid(*messages, **invalid.details) from invalid

    def _as_sent(self, message: str, parameters: Collection[str]) -> str:
        """Replace the field's path at the start of a sentence by the name that the caller sent.

        In a PATCH, that name is the field's path in the document. In a named edit, it is the
        parameter that has the field's name. For a list, such as market_ids, it may also be the
        parameter for a single entry, market_id. A sentence that does not begin with a path in this
        document is returned unchanged.
        """
        path, space, rest = message.partition(" ")
        if not path.startswith(f"{self.name}."):
            return message
        path = path.removeprefix(f"{self.name}.")
        field = path.rpartition(".")[2]
        sent = next((one for one in parameters if field in (one, f"{one}s")), path)
        return f"{sent}{space}{rest}"

    def _named_edit(
        self,
        change: Callable[..., None],
        *,
        aliases: tuple[str, ...],
        requires: tuple[Requirement, ...],
        name: str,
        path: str,
        load: Loader,
        save: Save,
    ) -> Action:
        async def edit(context: Context, owner: Any, **arguments: Any) -> Any:
            document = getattr(owner, self.name)
            setattr(owner, self.name, self.edited(document, partial(change, **arguments)))
            await self._save(context, owner, save, arguments)
            return getattr(owner, self.name)

        verb = change.__name__
        edit.__doc__ = "\n\n".join(documentation(change))
        edit.__annotations__["return"] = self.document
        return declared(
            edit,
            name=f"{name}.{verb}",
            method="POST",
            path=f"{path}/{verb}",
            status=202,
            aliases=aliases,
            request=_request_of(change, f"{self.document.__name__}_{verb}"),
            load=load,
            requires=requires,
        )


def lay_over(
    capabilities: Iterable[Capability[Any]],
    owner: Any,
    changes: Mapping[str, Any],
    unread: Collection[Path] = (),
) -> list[str]:
    """Merge several partial documents into their owner; return every problem.

    `changes` contains the partial documents by the names of their capabilities. A document with a
    problem is not merged. `unread` are the paths of fields that were sent but could not be read.
    """
    problems: list[str] = []
    for capability in capabilities:
        name = capability.name
        if name not in changes:
            continue
        below = [path[1:] for path in unread if path[0] == name]
        try:
            changed = capability.merged(
                getattr(owner, name), changes[name], under=(name,), unread=below
            )
        except Invalid as invalid:
            problems += invalid.messages
        else:
            setattr(owner, name, changed)
    return problems


def _request_of(change: Callable[..., None], name: str) -> type[BaseModel] | None:
    fields = keyword_fields(change)
    if not fields:
        return None
    title = "".join(part.title() for part in name.split("_"))
    return create_model(title, __config__=ConfigDict(extra="forbid"), **fields)


def toggles(document: type[BaseModel]) -> str:
    """Return a sentence for /help that lists the on/off fields of a PATCH, or an empty string."""
    paths = list(boolean_paths(document))
    return f"Toggles set via this PATCH: {', '.join(paths)}." if paths else ""


def boolean_paths(document: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield the dotted path of every on/off field of a document that can be set."""
    for name, field in document.model_fields.items():
        if READ_ONLY in field.metadata:
            continue
        for kind in _members(field.annotation):
            if kind is bool:
                yield prefix + name
            elif isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from boolean_paths(kind, f"{prefix}{name}.")


def _members(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
