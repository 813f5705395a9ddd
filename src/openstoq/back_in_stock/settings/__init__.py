"""Settings of a shop's back-in-stock alerts: five documents."""
