"""Actions: single declarations from which the routes, help, OpenAPI and MCP tools are generated.

The function is the declaration. Its name is the action's name, its docstring is the text of /help,
its keyword-only parameters are the request, and its return annotation is the response.
"""

import re
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Generic, Literal, TypeVar, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, create_model

from openstoq.actions.requirements import Requirement
from openstoq.actions.validation import EmptyRequest, Path, read_body, read_values, readable_values
from openstoq.errors import Invalid
from openstoq.kernel.declaration import documentation, keyword_fields

Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Any]])
View = TypeVar("View")
Loader = Callable[..., Awaitable[Any]]
Check = Callable[[Any, dict[str, Any], Collection[Path]], list[str]]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

READ_COST, WRITE_COST = 1, 2
_PARAMETER = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True)
class Reply(Generic[View]):
    """A response whose status is not the action's usual one."""

    view: View
    status: int


@dataclass(frozen=True, slots=True)
class Written(Generic[View]):
    """A response in the shape of `View`, as JSON text that PostgreSQL has already built."""

    json: bytes


@dataclass(frozen=True, kw_only=True)
class Action:
    """An operation of the API.

    `load` turns the id in the path into the object itself. The object is looked up in the caller's
    shop, and locked if the action writes. Without `load`, the handler gets the path's values as
    text.

    The handler of a `partial` action gets one dict `changes` that contains only the fields that
    were sent. When some of them are unreadable, `check` finds the other problems of the changes, so
    that a response lists all problems at once. `check` gets the loaded object, the readable
    changes, and the paths of the unreadable fields.

    The effect of a `destructive` action, such as a refund, cannot be undone. `partly` is the status
    of a response in which some of many items failed. It is None if the action has no such response.
    `requires` are rules about several fields together.

    The handler of an action with `single_statement` runs one SQL statement, which also writes the
    audit row. A handler that has to enqueue a job as well raises NeedsTransactionError, and is then
    run again in a transaction.
    """

    name: str
    method: Method
    path: str
    summary: str
    note: str
    aliases: tuple[str, ...]
    status: int
    request: type[BaseModel] | None
    handler: Callable[..., Awaitable[Any]]
    load: Loader | None = None
    partial: bool = False
    check: Check | None = None
    destructive: bool = False
    partly: int | None = None
    requires: tuple[Requirement, ...] = ()
    single_statement: bool = False

    @property
    def writes(self) -> bool:
        """Return whether the action may change anything."""
        return self.method != "GET"

    @property
    def cost(self) -> int:
        """The action's cost in rate points."""
        return WRITE_COST if self.writes else READ_COST

    @property
    def tool(self) -> str:
        """The action's name as an MCP tool."""
        return self.name.replace(".", "_")

    @cached_property
    def path_params(self) -> tuple[str, ...]:
        """The names between braces in the path."""
        return tuple(_PARAMETER.findall(self.path))

    @cached_property
    def request_schema(self) -> dict[str, Any]:
        """The JSON Schema for the body or the query of a request."""
        schema = (self.request or EmptyRequest).model_json_schema()
        rules = [one.schema() for one in self.requires]
        return {**schema, "allOf": rules} if rules else schema

    @property
    def requires_body(self) -> bool:
        """Return whether a request without any field would be refused."""
        return bool(self.request_schema.get("required") or self._broken({}))

    def read(self, sent: bytes | Mapping[str, Any]) -> BaseModel:
        """Read a JSON body, or the values of a query or of a tool call.

        Raises BadRequest for a body that is not a JSON object, and Invalid listing all problems.
        """
        model = self.request or EmptyRequest
        try:
            request = (
                read_body(model, sent) if isinstance(sent, bytes) else read_values(model, sent)
            )
        except Invalid as invalid:
            values = readable_values(model, sent) if self.requires else None
            broken = [] if values is None else self._broken(values)
            raise Invalid(*dict.fromkeys([*invalid.messages, *broken])) from invalid
        broken = self._broken(
            {
                field.alias or name: getattr(request, name)
                for name, field in type(request).model_fields.items()
            }
        )
        if broken:
            raise Invalid(*broken)
        return request

    def _broken(self, values: Mapping[str, Any]) -> list[str]:
        """Return a sentence for each requirement that the values of a request break."""
        problems = (one.problem(values) for one in self.requires)
        return [problem for problem in problems if problem is not None]

    @cached_property
    def response(self) -> TypeAdapter[Any]:
        """The shape of the response, from the handler's return annotation."""
        answer = get_type_hints(self.handler, include_extras=True)["return"]
        while get_origin(answer) in (Reply, Written):
            (answer,) = get_args(answer)
        return _adapter_of(answer)


@dataclass(slots=True)
class ActionSet:
    """The actions that a module declares, in order."""

    name: str
    path: str
    load: Loader | None = None
    actions: list[Action] = field(default_factory=list)

    def __iter__(self) -> Iterator[Action]:
        return iter(self.actions)

    def get(
        self,
        path: str = "",
        *,
        name: str | None = None,
        aliases: tuple[str, ...] = (),
        loads: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Declare a GET action; its keyword-only parameters are the query.

        The object that the action is about is loaded if the path contains its id, or if `loads` is
        set.
        """
        return self._declare("GET", path, 200, name, aliases, loads=loads)

    def post(
        self,
        path: str = "",
        *,
        name: str | None = None,
        aliases: tuple[str, ...] = (),
        status: int = 202,
        destructive: bool = False,
        partly: int | None = None,
        requires: tuple[Requirement, ...] = (),
        single_statement: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Declare a POST action; its keyword-only parameters are the body."""
        return self._declare(
            "POST",
            path,
            status,
            name,
            aliases,
            destructive=destructive,
            partly=partly,
            requires=requires,
            single_statement=single_statement,
        )

    def patch(
        self,
        path: str = "",
        *,
        request: type[BaseModel],
        name: str | None = None,
        aliases: tuple[str, ...] = (),
        check: Check | None = None,
        requires: tuple[Requirement, ...] = (),
    ) -> Callable[[Handler], Handler]:
        """Declare a PATCH action, whose body is `request` with every field optional."""
        return self._declare(
            "PATCH",
            path,
            202,
            name,
            aliases,
            request=request,
            partial=True,
            check=check,
            loads=True,
            requires=requires,
        )

    def delete(
        self,
        path: str = "",
        *,
        name: str | None = None,
        aliases: tuple[str, ...] = (),
        status: int = 202,
    ) -> Callable[[Handler], Handler]:
        """Declare a DELETE action."""
        return self._declare("DELETE", path, status, name, aliases, destructive=True)

    def _declare(
        self,
        method: Method,
        path: str,
        status: int,
        name: str | None,
        aliases: tuple[str, ...],
        *,
        destructive: bool = False,
        partly: int | None = None,
        request: type[BaseModel] | None = None,
        partial: bool = False,
        check: Check | None = None,
        loads: bool = False,
        requires: tuple[Requirement, ...] = (),
        single_statement: bool = False,
    ) -> Callable[[Handler], Handler]:
        def declare(handler: Handler) -> Handler:
            whole = self.path + path
            self.actions.append(
                declared(
                    handler,
                    name=f"{self.name}.{name or handler.__name__}",
                    method=method,
                    path=whole,
                    status=status,
                    aliases=aliases,
                    load=self.load if loads or _PARAMETER.search(whole) else None,
                    destructive=destructive,
                    partly=partly,
                    request=request,
                    partial=partial,
                    check=check,
                    requires=requires,
                    single_statement=single_statement,
                )
            )
            return handler

        return declare


def declared(
    handler: Callable[..., Awaitable[Any]],
    *,
    name: str,
    method: Method,
    path: str,
    status: int,
    aliases: tuple[str, ...] = (),
    request: type[BaseModel] | None = None,
    load: Loader | None = None,
    partial: bool = False,
    check: Check | None = None,
    destructive: bool = False,
    partly: int | None = None,
    requires: tuple[Requirement, ...] = (),
    single_statement: bool = False,
) -> Action:
    """Make an action from its handler.

    Raises TypeError if the handler has no docstring, or if a request parameter has no annotation.
    """
    summary, note = documentation(handler)
    return Action(
        name=name,
        method=method,
        path=path,
        summary=summary,
        note=note,
        aliases=aliases,
        status=status,
        request=request or _request_model(handler, name),
        handler=handler,
        load=load,
        partial=partial,
        check=check,
        destructive=destructive,
        partly=partly,
        requires=requires,
        single_statement=single_statement,
    )


@cache
def _adapter_of(shape: Any) -> TypeAdapter[Any]:
    # Many actions have one shape of response, and adapters and their schemas take long to make.
    return TypeAdapter(shape)


def _request_model(handler: Callable[..., Any], name: str) -> type[BaseModel] | None:
    fields = keyword_fields(handler)
    if not fields:
        return None
    title = "".join(part.title() for part in re.split(r"[._]", name))
    return create_model(title, __config__=ConfigDict(extra="forbid"), **fields)
