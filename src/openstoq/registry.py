"""The registry of the application: its actions in /help order, its jobs and its subscribers."""

from typing import Any

from openstoq.actions.action import Action
from openstoq.back_in_stock.notifications import actions as notification_actions
from openstoq.back_in_stock.notifications import jobs as sending
from openstoq.back_in_stock.notifications import single_mails
from openstoq.back_in_stock.privacy import jobs as privacy
from openstoq.back_in_stock.restock import jobs as restock
from openstoq.back_in_stock.settings import actions as settings_actions
from openstoq.back_in_stock.signup_files import actions as signup_file_actions
from openstoq.back_in_stock.signup_files import jobs as signup_file_jobs
from openstoq.back_in_stock.signups import actions as signup_actions
from openstoq.back_in_stock.templates import actions as template_actions
from openstoq.back_in_stock.templates import brand_actions
from openstoq.back_in_stock.templates import jobs as template_jobs
from openstoq.catalog import jobs as catalog
from openstoq.catalog.model import ProductsOpened, StockChanged, VariantReplaced
from openstoq.jobs.job import Job
from openstoq.jobs.work import Subscribers
from openstoq.preorders.offers.actions import offers as offer_actions
from openstoq.preorders.offers.actions import products as product_actions
from openstoq.preorders.offers.actions import translations as translation_actions
from openstoq.preorders.offers.actions import variants as variant_actions
from openstoq.preorders.offers.attachments import jobs as attachment_jobs
from openstoq.preorders.offers.attachments import policy_jobs
from openstoq.preorders.offers.plan_group import jobs as plan_group_jobs
from openstoq.preorders.offers.storefront import jobs as storefront_jobs
from openstoq.preorders.orders import jobs as order_jobs
from openstoq.preorders.orders import mails
from openstoq.preorders.orders.actions import bulk as bulk_actions
from openstoq.preorders.orders.actions import fulfillment as fulfillment_actions
from openstoq.preorders.orders.actions import orders as order_actions
from openstoq.preorders.orders.actions import payments as payment_actions
from openstoq.preorders.orders.events import BalanceCollected, OrderDecided, RefundBegun
from openstoq.preorders.orders.payments import charges, refunds
from openstoq.preorders.orders.privacy import jobs as order_privacy
from openstoq.preorders.orders.recovery import jobs as recovery
from openstoq.preorders.orders.sync import jobs as order_sync
from openstoq.preorders.variants import actions as preordered_variants
from openstoq.preorders.variants import jobs as variant_jobs
from openstoq.preorders.variants import schedule_jobs
from openstoq.shops import housekeeping, installation
from openstoq.shops.inbound_webhooks import jobs as inbound_webhooks

ACTIONS: tuple[Action, ...] = (
    *offer_actions.ACTIONS,
    *product_actions.ACTIONS,
    *variant_actions.ACTIONS,
    *translation_actions.ACTIONS,
    *order_actions.ACTIONS,
    *payment_actions.ACTIONS,
    *fulfillment_actions.ACTIONS,
    *bulk_actions.ACTIONS,
    *preordered_variants.ACTIONS,
    *notification_actions.ACTIONS,
    *settings_actions.ACTIONS,
    *signup_actions.ACTIONS,
    *signup_file_actions.ACTIONS,
    *template_actions.ACTIONS,
    *brand_actions.ACTIONS,
)

JOBS: tuple[Job[Any], ...] = (
    *inbound_webhooks.jobs,
    *installation.jobs,
    *housekeeping.jobs,
    *catalog.jobs,
    *restock.jobs,
    *sending.jobs,
    *single_mails.jobs,
    *signup_file_jobs.jobs,
    *template_jobs.jobs,
    *privacy.jobs,
    *attachment_jobs.jobs,
    *policy_jobs.jobs,
    *plan_group_jobs.jobs,
    *storefront_jobs.jobs,
    *order_jobs.jobs,
    *order_sync.jobs,
    *order_privacy.jobs,
    *recovery.jobs,
    *charges.jobs,
    *refunds.jobs,
    *bulk_actions.jobs,
    *variant_jobs.jobs,
    *schedule_jobs.jobs,
    *mails.jobs,
)

SUBSCRIBERS: Subscribers = {
    inbound_webhooks.News: (
        catalog.on_news,
        installation.on_news,
        privacy.on_news,
        order_jobs.on_news,
        order_privacy.on_news,
    ),
    installation.Installed: (
        installation.on_installed,
        catalog.on_installed,
        order_jobs.on_installed,
    ),
    installation.ZoneChanged: (schedule_jobs.on_zone_changed,),
    StockChanged: (restock.on_stock_changed,),
    ProductsOpened: (restock.on_products_opened,),
    VariantReplaced: (restock.on_variant_replaced,),
    OrderDecided: (order_sync.on_decided,),
    BalanceCollected: (mails.on_balance_collected,),
    RefundBegun: (refunds.on_begun,),
}
