"""The MCP server, which lists the tools and runs them through the same dispatch as other faces."""

from collections.abc import Sequence
from typing import Any

import orjson
import structlog
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
)
from starlette.requests import Request

from openstoq import __version__
from openstoq.actions.action import Action
from openstoq.actions.dispatch import Call, dispatch
from openstoq.actions.unserved import problem_of
from openstoq.errors import Problem
from openstoq.jobs.work import Runtime
from openstoq.mcp.tools import input_schema, split_arguments, tool

log = structlog.get_logger(__name__)

_INSTRUCTIONS = (
    "Preorders and back-in-stock alerts of one Shopify shop. Writes record what should be and "
    "answer at once; background jobs make the shop agree. Pass dry_run: true to see what a write "
    "would do, and idempotency_key to repeat one safely."
)


def make_server(runtime: Runtime, actions: Sequence[Action]) -> Server[Any]:
    """Return a server whose tools are `actions`; each request's state must contain the caller."""
    by_tool = {action.tool: action for action in actions}
    listed = ListToolsResult(tools=[tool(action) for action in actions])

    async def list_tools(
        context: ServerRequestContext[Any, Request], _: PaginatedRequestParams | None
    ) -> ListToolsResult:
        _request(context).state.action = "tools/list"
        return listed

    async def call_tool(
        context: ServerRequestContext[Any, Request], params: CallToolRequestParams
    ) -> CallToolResult:
        request = _request(context)
        action = by_tool.get(params.name)
        if action is None:
            raise MCPError(INVALID_PARAMS, f"there is no tool {params.name}; see tools/list")
        request.state.action = action.name
        try:
            return await _call(runtime, action, params.arguments or {}, request)
        except Problem as problem:
            return _refused(problem)
        except Exception as error:
            log.exception("tool.failed", action=action.name)
            return _refused(problem_of(error, request.state.request_id))

    def schema_of(name: str) -> dict[str, Any] | None:
        action = by_tool.get(name)
        return input_schema(action) if action is not None else None

    return Server(
        "openstoq",
        version=__version__,
        title="openstoq",
        instructions=_INSTRUCTIONS,
        get_tool_input_schema=schema_of,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def _call(
    runtime: Runtime, action: Action, given: dict[str, Any], request: Request
) -> CallToolResult:
    arguments = split_arguments(action, given)
    answer = await dispatch(
        runtime,
        Call(
            action=action,
            caller=request.state.caller,
            face="mcp",
            path=arguments.path,
            sent=arguments.sent,
            request_id=request.state.request_id,
            idempotency_key=arguments.idempotency_key,
            dry_run=arguments.dry_run,
        ),
    )
    content = orjson.loads(answer.body)
    return CallToolResult(
        content=[TextContent(text=answer.body.decode())],
        # Older clients accept structured content only as an object.
        structured_content=content if isinstance(content, dict) else None,
    )


def _refused(problem: Problem) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(text="\n".join(problem.messages))],
        structured_content={
            "errors": problem.messages,
            "status": problem.status,
            **problem.details,
        },
        is_error=True,
    )


def _request(context: ServerRequestContext[Any, Request]) -> Request:
    if context.request is None:
        raise RuntimeError("openstoq serves MCP over HTTP only")
    return context.request
