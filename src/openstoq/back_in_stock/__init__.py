"""Back-in-stock alerts: the waitlist of each variant, and the messages when it is back."""
