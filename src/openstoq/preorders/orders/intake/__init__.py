"""Intake: an order, as Shopify has it, becomes an order of ours."""
