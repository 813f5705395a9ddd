"""Webhooks from Shopify: each is stored before the response is sent, and processed by a job."""
