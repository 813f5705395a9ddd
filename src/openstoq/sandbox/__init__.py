"""A Shopify-shaped shop of its own: Admin GraphQL, webhooks, storefront pages and a mail catcher."""
