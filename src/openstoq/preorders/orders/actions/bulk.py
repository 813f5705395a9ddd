"""The bulk jobs over orders: orders succeed or fail independently, and the result lists failures.

An order and the job's progress are written in one transaction, so an interrupted job continues
where it stopped and repeats nothing.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, WithJsonSchema

from openstoq.actions.action import ActionSet
from openstoq.actions.context import Context
from openstoq.actions.help import BASE_PATH
from openstoq.actions.requirements import AnyOf
from openstoq.errors import Conflict, NotFound
from openstoq.jobs import bulk
from openstoq.jobs.bulk import BulkJob, JobView
from openstoq.jobs.job import JobSet, Retry
from openstoq.jobs.work import Run, Work
from openstoq.kernel.alone import alone
from openstoq.kernel.ids import LARGEST, new_id
from openstoq.kernel.types import OnOneLine, Text
from openstoq.preorders.orders import decisions, mails, rules
from openstoq.preorders.orders.actions.orders import NAME, PATH, TagOrTags, Tags, find
from openstoq.preorders.orders.actions.payments import check_linkable
from openstoq.preorders.orders.model import PreorderOrder

jobs = JobSet("preorders.orders.bulk")

MOST_AT_ONCE = 1000
PREFIX = "bulk_orders_"
STATUS_URL = f"{BASE_PATH}{PATH}/jobs"
Task = Literal["release", "cancel", "send_payment_collection_url", "set_tags"]


def _reference(value: object) -> str:
    is_number = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST
    if not (is_number or isinstance(value, str)):
        raise ValueError("must be an order's Shopify id or its id in our answers")
    return str(value)


def _once(ids: list[str]) -> list[str]:
    return list(dict.fromkeys(one.strip() for one in ids))


OrderRef = Annotated[
    str,
    Field(max_length=64),
    OnOneLine,
    BeforeValidator(_reference),
    WithJsonSchema(
        {
            "description": "An order's Shopify id, as a number or text, or its id in our answers.",
            "anyOf": [
                {"type": "integer", "exclusiveMinimum": 0, "maximum": LARGEST},
                {"type": "string", "maxLength": 64},
            ],
        },
        mode="validation",
    ),
]
OrderIds = Annotated[
    list[OrderRef], Field(min_length=1, max_length=MOST_AT_ONCE), AfterValidator(_once)
]


class Submitted(BaseModel):
    """A bulk job that has begun, with the URL of its status."""

    job_id: str
    status_url: str
    order_count: int


orders_at_once = ActionSet(NAME, PATH)


@orders_at_once.get("/jobs/{job_id}", name="jobs", aliases=("how far is the bulk order job",))
async def read_job(context: Context, job_id: str) -> JobView:
    """Check the status of a bulk-order job.

    failed lists each order that the job could not handle, with the reason.
    """
    found = await bulk.load(context.db, context.shop_id, job_id)
    if found is None or not found.id.startswith(PREFIX):
        raise NotFound(f"no job with the id {job_id}; jobs are kept for 30 days")
    return found.view


@orders_at_once.post("/bulk_release", aliases=("release many preorders", "ship many orders"))
async def bulk_release(
    context: Context,
    *,
    order_ids: OrderIds,
    force: bool = False,
    tag_with: TagOrTags | None = None,
) -> Submitted:
    """Release fulfillments on many preorder orders (max 1000).

    Each order is released in the same way as by the release action: an order whose balance is
    outstanding fails, without affecting the others, unless force is true.
    """
    return await _submit(context, "release", order_ids, force=force, tags=tag_with or [])


@orders_at_once.post("/bulk_cancel", aliases=("cancel many preorders",), destructive=True)
async def bulk_cancel(
    context: Context,
    *,
    order_ids: OrderIds,
    refund_deposit: bool = False,
    refund_balance: bool = False,
    notify_customer: bool = False,
    cancel_shopify_order: bool = False,
    reason: Text | None = None,
) -> Submitted:
    """Cancel many preorder orders (max 1000), with optional refund flags.

    Each order is cancelled in the same way as by the cancel action. status_url lists each order
    that could not be cancelled, with the reason.
    """
    flags = {"deposit": refund_deposit, "balance": refund_balance}
    return await _submit(
        context,
        "cancel",
        order_ids,
        refund=[part for part, asked in flags.items() if asked],
        notify=notify_customer,
        in_shop=cancel_shopify_order,
        reason=reason,
    )


@orders_at_once.post(
    "/bulk_send_payment_collection_url", aliases=("mail payment links to many customers",)
)
async def bulk_send_payment_collection_url(context: Context, *, order_ids: OrderIds) -> Submitted:
    """Send payment-collection URLs to many preorder customers (max 1000).

    status_url lists each order that has no balance to pay, or no e-mail address.
    """
    return await _submit(context, "send_payment_collection_url", order_ids)


@orders_at_once.post(
    "/bulk_set_tags",
    aliases=("tag many orders", "untag many orders"),
    requires=(
        AnyOf(("tags", "remove_tags"), "tags or remove_tags is required, with at least one tag"),
    ),
)
async def bulk_set_tags(
    context: Context,
    *,
    order_ids: OrderIds,
    tags: Tags | None = None,
    remove_tags: Tags | None = None,
) -> Submitted:
    """Add tags to many preorder orders in Shopify, and remove others (max 1000).

    At least one tag is required, in tags or remove_tags.
    """
    return await _submit(context, "set_tags", order_ids, add=tags or [], remove=remove_tags or [])


@jobs.job()
async def run_bulk(run: Run, *, job_id: str) -> None:
    """Run a bulk job's task on one order after another."""
    while True:
        async with run.work() as work:
            job = await bulk.load(work.db, work.shop_id, job_id)
        if job is None or job.status != "running":
            return
        ids = job.arguments["order_ids"]
        if job.processed >= len(ids):
            async with run.work() as work:
                now = work.runtime.clock()
                await bulk.finish(work.db, work.shop_id, job_id, status="completed", now=now)
            return
        failures: dict[str, str] = {}
        with alone("order", ids[job.processed], failures):
            await _advance(run, job, ids[job.processed])
        for order_id, failure in failures.items():
            await _advance(run, job, order_id, failure=failure)
        if run.runtime.stopping.is_set():
            raise Retry("the worker is stopping")


async def _advance(run: Run, job: BulkJob, order_id: str, *, failure: str | None = None) -> None:
    """Run the job's task on one order, and count the order as processed.

    If `failure` is given, it is recorded for the order, and the task is not run. Nothing is done if
    another run has already processed the order, or if the job has ended.
    """
    async with run.work() as work:
        now = await bulk.load(work.db, work.shop_id, job.id, lock=True)
        if now is None or now.status != "running" or now.processed != job.processed:
            return
        if failure is None:
            await _perform(work, job.arguments, await find(work, order_id, lock=True))
        failures = {order_id: failure} if failure is not None else {}
        await bulk.advance(work.db, work.shop_id, job.id, 1, failures)


async def _perform(work: Work, told: Any, order: PreorderOrder) -> None:
    task: Task = told["task"]
    match task:
        case "release":
            await decisions.release(work, order, force=told["force"], tags=told["tags"])
        case "cancel":
            obstacle = rules.uncancellable(order, in_shop=told["in_shop"], refund=told["refund"])
            if obstacle is not None:
                raise Conflict(obstacle)
            await decisions.cancel(
                work,
                order,
                reason=told["reason"],
                refund=told["refund"],
                notify=told["notify"],
                in_shop=told["in_shop"],
            )
        case "send_payment_collection_url":
            check_linkable(order)
            work.enqueue(
                mails.send_payment_link, order_id=order.order_id, notice_id=new_id(), why="asked"
            )
        case "set_tags":
            await decisions.tag(work, order, told["add"], told["remove"])


async def _submit(context: Context, task: Task, order_ids: list[str], **told: Any) -> Submitted:
    job_id = await bulk.begin(
        context.db,
        context.shop_id,
        f"orders_{task}",
        total=len(order_ids),
        arguments={"task": task, "order_ids": order_ids, **told},
        now=context.runtime.clock(),
    )
    context.enqueue(run_bulk, job_id=job_id)
    return Submitted(job_id=job_id, status_url=f"{STATUS_URL}/{job_id}", order_count=len(order_ids))


ACTIONS = tuple(orders_at_once)
