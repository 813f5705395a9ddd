"""The ledger of an order: which entries it has, and how its money is divided. No I/O."""
