"""Pin the names of jobs: a queue holds them across an upgrade, so a module that moves keeps them."""

from openstoq.registry import JOBS

NAMES = [
    "back_in_stock.mails.ask_returned",
    "back_in_stock.mails.send_optin_request",
    "back_in_stock.notifications.send_jointly",
    "back_in_stock.notifications.send_wave",
    "back_in_stock.privacy.send_customer_data",
    "back_in_stock.restock.check_waitlisted_stock",
    "back_in_stock.restock.find_stragglers",
    "back_in_stock.restock.follow_replacements",
    "back_in_stock.signup_files.forget_staged",
    "back_in_stock.templates.send_test_mail",
    "catalog.pull",
    "catalog.pull_everything",
    "catalog.pull_product",
    "catalog.read_locations",
    "preorders.attaching.attach",
    "preorders.attaching.flip",
    "preorders.attaching.follow_sources",
    "preorders.charges.charge",
    "preorders.charges.collect_due",
    "preorders.ingest.read_markets",
    "preorders.ingest.read_order",
    "preorders.ingest.reconcile",
    "preorders.mails.send_cancellation",
    "preorders.mails.send_payment_link",
    "preorders.mails.send_receipt",
    "preorders.mails.send_shipping_update",
    "preorders.mails.tell_merchant_held_again",
    "preorders.mails.tell_merchant_uncollected",
    "preorders.orders.bulk.run_bulk",
    "preorders.orders.sync.sync_order",
    "preorders.privacy.send_customer_orders",
    "preorders.refunds.pay_back",
    "preorders.resuming.resume",
    "preorders.storefront.look_again",
    "preorders.storefront.sync_storefront",
    "preorders.sync.resume",
    "preorders.sync.sync_offer",
    "preorders.variants.follow_schedules",
    "preorders.variants.follow_zone",
    "preorders.variants.look_for_drift",
    "preorders.variants.reconcile",
    "preorders.variants.run_bulk",
    "shops.housekeeping.end_abandoned",
    "shops.housekeeping.tidy",
    "shops.read_facts",
    "shops.subscribe",
    "shops.webhooks.work_off",
]


def test_the_names_of_jobs_are_kept():
    """A job whose name is gone stays in the queue of whoever upgrades, and never runs."""
    assert sorted(job.name for job in JOBS) == NAMES
