"""A local imitation of Shopify: Admin GraphQL, webhooks, storefront pages and a mail catcher."""

# The version of Shopify's Admin API that the sandbox imitates, and a number of our own.
__version__ = "2026.7.0"
