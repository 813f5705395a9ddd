"""Everything the application can do: its actions, in /help order; its jobs; who hears what."""

from typing import Any

from openstoq.actions.action import Action
from openstoq.back_in_stock.notifications import jobs as sending
from openstoq.back_in_stock.notifications import oneoff
from openstoq.back_in_stock.notifications.actions import notifications
from openstoq.back_in_stock.privacy import jobs as privacy
from openstoq.back_in_stock.restock import jobs as restock
from openstoq.back_in_stock.settings import actions as settings
from openstoq.back_in_stock.signups.actions import signups
from openstoq.catalog import jobs as catalog
from openstoq.catalog.model import StockChanged
from openstoq.jobs.job import Job
from openstoq.jobs.work import Subscribers
from openstoq.preorders.offers import actions as offers
from openstoq.preorders.offers import attaching, products, sync, variant_settings
from openstoq.preorders.offers.translations import translations
from openstoq.preorders.variants import jobs as variant_jobs
from openstoq.preorders.variants.actions import jobs_of_variants, variants
from openstoq.shops import housekeeping, installation, webhooks

ACTIONS: tuple[Action, ...] = (
    *offers.ACTIONS,
    *products.ACTIONS,
    *variant_settings.ACTIONS,
    *translations,
    *variants,
    *jobs_of_variants,
    *notifications,
    *settings.ACTIONS,
    *signups,
)

JOBS: tuple[Job[Any], ...] = (
    *webhooks.jobs,
    *installation.jobs,
    *housekeeping.jobs,
    *catalog.jobs,
    *restock.jobs,
    *sending.jobs,
    *oneoff.jobs,
    *privacy.jobs,
    *attaching.jobs,
    *sync.jobs,
    *variant_jobs.jobs,
)

SUBSCRIBERS: Subscribers = {
    webhooks.News: (catalog.on_news, installation.on_news, privacy.on_news),
    StockChanged: (restock.on_stock_changed,),
}
