"""Messages to people: their text (render) and their way to a relay (port, email)."""
