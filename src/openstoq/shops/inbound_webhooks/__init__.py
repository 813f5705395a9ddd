"""Webhooks that Shopify sends: each is stored before it is answered, and worked off by a job."""
