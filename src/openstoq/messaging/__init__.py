"""Messages to people: the text (render), and the delivery to a relay (port, email)."""
