"""Webhooks from Shopify: each is stored before the response, and processed by a job."""
