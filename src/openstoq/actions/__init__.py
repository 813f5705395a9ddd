"""The registry: actions, capabilities, the one path that runs them and what is made of them."""
