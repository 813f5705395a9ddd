"""POST /webhooks/shopify: verify and store a webhook, respond at once, and handle it in a job."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openstoq.errors import Problem
from openstoq.jobs.work import Runtime
from openstoq.kernel.metrics import WEBHOOKS
from openstoq.shops.inbound_webhooks.jobs import announced, receive
from openstoq.web import responses

PATH = "/webhooks/shopify"


def routes(runtime: Runtime) -> list[Route]:
    """Return the route that Shopify posts webhooks to."""

    async def endpoint(request: Request) -> Response:
        request.state.face, request.state.action = "webhooks", "shopify"
        outcome = "refused"
        topic = "unknown"
        try:
            delivery = await announced(runtime, request.headers)
            raw_body = await request.body()
            fresh = await receive(runtime, delivery, raw_body, request_id=request.state.request_id)
            outcome = "taken" if fresh else "repeated"
            # Only a genuine delivery may add a topic to the metrics.
            topic = request.headers.get("x-shopify-topic", topic)
        except Problem as problem:
            return responses.problem(problem)
        finally:
            WEBHOOKS.labels(topic, outcome).inc()
        return responses.json({})

    return [Route(PATH, endpoint, methods=["POST"])]
