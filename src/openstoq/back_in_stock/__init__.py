"""Back-in-stock alerts: who waits for which variant, and telling them when it is back."""
