"""Messages to people: their text (render), and handing them over to a relay (port, email)."""
