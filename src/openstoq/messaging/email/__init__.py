"""E-mail over SMTP: connections to the relay, and the transactions on them."""
