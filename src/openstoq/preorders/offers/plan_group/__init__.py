"""The selling plan group that each offer has in Shopify."""
