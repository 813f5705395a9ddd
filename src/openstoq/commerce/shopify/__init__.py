"""The adapter for Shopify's Admin GraphQL API, its webhooks and its app proxy."""
