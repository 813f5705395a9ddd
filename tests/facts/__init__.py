"""Facts about the API that we implement and about Shopify, which tests compare us with."""
