"""Webhooks that Shopify sends: each is stored before it is answered, and processed by a job."""
