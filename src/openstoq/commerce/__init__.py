"""The port to the platform that a shop sells on, and its adapter for Shopify."""
