"""Make Shopify agree with what was decided about an order."""
