"""Actions that read orders, and actions that make decisions about orders."""
