"""The port to the platform on which a shop sells, and the port's adapter for Shopify."""
