"""What a shop chose for its back-in-stock alerts: five settings documents."""
