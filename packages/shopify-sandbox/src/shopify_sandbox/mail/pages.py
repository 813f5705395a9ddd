"""The mail catcher over HTTP: messages as JSON and as a page, and the faults."""

import re
from typing import Annotated, Any

import orjson
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from shopify_sandbox.bodies import Body, Number, choice, is_no_json, problems
from shopify_sandbox.mail.mailbox import FAULTS, Mailbox, MailFault
from shopify_sandbox.mail.message import CaughtMessage
from shopify_sandbox.pages.templating import TEMPLATES

SHOWN = 200
# A message may contain anything: its scripts do not run, but its links may be followed.
_NO_SCRIPTS = "sandbox allow-popups allow-popups-to-escape-sandbox"


class FaultRequest(Body):
    """A fault to add, for messages to recipients that match `pattern`."""

    fault: Annotated[str, choice(*FAULTS)]
    pattern: re.Pattern[str] = re.compile("")
    count: int | None = None
    seconds: Number = 0.0
    store: bool = True


def create_mail_app(mailbox: Mailbox) -> Starlette:
    """Return the ASGI application that shows what `mailbox` holds."""
    app = Starlette(
        routes=[
            Route("/", index),
            Route("/messages", messages),
            Route("/messages", clear, methods=["DELETE"]),
            Route("/messages/{id:int}", show_message),
            Route("/messages/{id:int}/html", html),
            Route("/messages/{id:int}/raw", raw),
            Route("/faults", faults),
            Route("/faults", add_fault, methods=["POST"]),
            Route("/faults", clear_faults, methods=["DELETE"]),
        ]
    )
    app.state.mailbox = mailbox
    return app


async def index(request: Request) -> Response:
    """Show a list of the newest messages, and one message in full."""
    mailbox = _mailbox(request)
    shown = mailbox.newest(SHOWN)
    wanted = _number(request, "id", 0)
    chosen = _find(mailbox, wanted) if wanted else next(iter(shown), None)
    html = await run_in_threadpool(
        TEMPLATES.get_template("mail.html").render,
        messages=shown,
        chosen=chosen,
        total=len(mailbox),
        shown=SHOWN,
    )
    return HTMLResponse(html)


async def messages(request: Request) -> Response:
    """List messages, newest last."""
    found = _mailbox(request).find(
        to=request.query_params.get("to"),
        after=_number(request, "after", 0),
        limit=_number(request, "limit", 0) or None,
    )
    # Thousands of messages take a while to read; mail is still taken meanwhile.
    return Response(await run_in_threadpool(_write, found), media_type="application/json")


async def clear(request: Request) -> Response:
    """Delete all messages."""
    _mailbox(request).clear()
    return JSONResponse({"messages": 0})


async def show_message(request: Request) -> Response:
    """Show one message."""
    return JSONResponse(_asked(request).view)


async def html(request: Request) -> Response:
    """Show a message's HTML, or its text if it has no HTML."""
    view = _asked(request).view
    if view["html"] is not None:
        # In the page's frame, links open in a tab of their own.
        base = '<base target="_blank">' if "framed" in request.query_params else ""
        return HTMLResponse(base + view["html"], headers={"Content-Security-Policy": _NO_SCRIPTS})
    return Response(view["text"] or "", media_type="text/plain")


async def raw(request: Request) -> Response:
    """Show a message's bytes as received."""
    return Response(_asked(request).raw, media_type="text/plain; charset=utf-8")


async def faults(request: Request) -> Response:
    """List the requested faults."""
    return JSONResponse({"faults": [each.view() for each in _mailbox(request).faults]})


async def add_fault(request: Request) -> Response:
    """Add a fault, and list all faults."""
    try:
        asked = FaultRequest.model_validate_json(await request.body())
    except ValidationError as error:
        if is_no_json(error):
            return JSONResponse({"errors": ["The body must be JSON."]}, 400)
        return JSONResponse({"errors": problems(error)}, 422)
    _mailbox(request).faults.append(
        MailFault(
            kind=asked.fault,
            pattern=asked.pattern,
            count=asked.count,
            seconds=asked.seconds,
            store=asked.store,
        )
    )
    return await faults(request)


async def clear_faults(request: Request) -> Response:
    """Cancel all faults."""
    _mailbox(request).faults.clear()
    return await faults(request)


def _mailbox(request: Request) -> Mailbox:
    mailbox: Mailbox = request.app.state.mailbox
    return mailbox


def _asked(request: Request) -> CaughtMessage:
    return _find(_mailbox(request), request.path_params["id"])


def _write(messages: list[CaughtMessage]) -> bytes:
    return orjson.dumps([each.view for each in messages])


def _find(mailbox: Mailbox, id: int) -> CaughtMessage:
    found = mailbox.get(id)
    if found is None:
        raise HTTPException(404, f"There is no message {id}.")
    return found


def _number(request: Request, name: str, default: int) -> int:
    text: Any = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()):
        raise HTTPException(400, f"{name} must be a whole number.")
    return int(text)
