"""Everything the application can do: its actions, in /help order; its jobs; who hears what."""

from typing import Any

from openstoq.actions.action import Action
from openstoq.back_in_stock.notifications import jobs as sending
from openstoq.back_in_stock.notifications import single_mails
from openstoq.back_in_stock.notifications.actions import notifications
from openstoq.back_in_stock.privacy import jobs as privacy
from openstoq.back_in_stock.restock import jobs as restock
from openstoq.back_in_stock.settings import actions as settings
from openstoq.back_in_stock.signups.actions import signups
from openstoq.catalog import jobs as catalog
from openstoq.catalog.model import StockChanged
from openstoq.jobs.job import Job
from openstoq.jobs.work import Subscribers
from openstoq.preorders.offers.actions import offers
from openstoq.preorders.offers.actions import products as product_actions
from openstoq.preorders.offers.actions import variants as variant_actions
from openstoq.preorders.offers.actions.translations import translations
from openstoq.preorders.offers.attachments import jobs as attachment_jobs
from openstoq.preorders.offers.attachments import policy_jobs
from openstoq.preorders.offers.plan_group import jobs as plan_group_jobs
from openstoq.preorders.offers.storefront import jobs as storefront_jobs
from openstoq.preorders.orders import actions as orders
from openstoq.preorders.orders import (
    bulk,
    charges,
    fulfillment,
    ingest,
    letters,
    payments,
    refunds,
    resuming,
)
from openstoq.preorders.orders import privacy as order_privacy
from openstoq.preorders.orders import sync as order_sync
from openstoq.preorders.orders.events import ChargeBegun, OrderDecided, RefundBegun
from openstoq.preorders.variants import jobs as variant_jobs
from openstoq.preorders.variants.actions import jobs_of_variants, variants
from openstoq.shops import housekeeping, installation
from openstoq.shops.inbound_webhooks import jobs as inbound_webhooks

ACTIONS: tuple[Action, ...] = (
    *offers.ACTIONS,
    *product_actions.ACTIONS,
    *variant_actions.ACTIONS,
    *translations,
    *orders.orders,
    *payments.payments,
    *fulfillment.ACTIONS,
    *bulk.orders_at_once,
    *variants,
    *jobs_of_variants,
    *notifications,
    *settings.ACTIONS,
    *signups,
)

JOBS: tuple[Job[Any], ...] = (
    *inbound_webhooks.jobs,
    *installation.jobs,
    *housekeeping.jobs,
    *catalog.jobs,
    *restock.jobs,
    *sending.jobs,
    *single_mails.jobs,
    *privacy.jobs,
    *attachment_jobs.jobs,
    *policy_jobs.jobs,
    *plan_group_jobs.jobs,
    *storefront_jobs.jobs,
    *ingest.jobs,
    *order_sync.jobs,
    *order_privacy.jobs,
    *resuming.jobs,
    *charges.jobs,
    *refunds.jobs,
    *bulk.jobs,
    *variant_jobs.jobs,
    *letters.jobs,
)

SUBSCRIBERS: Subscribers = {
    inbound_webhooks.News: (
        catalog.on_news,
        installation.on_news,
        privacy.on_news,
        ingest.on_news,
        order_privacy.on_news,
    ),
    installation.Installed: (
        installation.on_installed,
        catalog.on_installed,
        ingest.on_installed,
    ),
    StockChanged: (restock.on_stock_changed,),
    OrderDecided: (order_sync.on_decided,),
    ChargeBegun: (charges.on_begun,),
    RefundBegun: (refunds.on_begun,),
}
