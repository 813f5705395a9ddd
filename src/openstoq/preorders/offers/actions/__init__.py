"""Actions on offers, and on the products and variants that they sell."""
