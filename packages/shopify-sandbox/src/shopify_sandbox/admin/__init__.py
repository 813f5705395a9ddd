"""The sandbox shop's Admin GraphQL API: a subset of Shopify's, with its costs, limits and errors."""
