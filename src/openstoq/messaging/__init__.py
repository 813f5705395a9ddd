"""Messages to people: what they say (render) and how they are handed over (port, email)."""
