"""The ledger of an order: its entries, and the division of its money. No I/O."""
