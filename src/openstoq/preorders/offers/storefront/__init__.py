"""The storefront: metafields for the theme, and inventory policies that let variants be sold."""
