"""Payments: charges of balances, and refunds, at Shopify."""
