"""Settings of the connection to the relay."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Security = Literal["none", "starttls", "tls"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SMTPSettings:
    """The relay's address, the encryption of the connection, and the limits on its use."""

    host: str
    port: int
    security: Security = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    sender: str = ""
    """The sender address of our own mails (not a shop's)."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's certificates."""
    local_hostname: str | None = None
    """The name with which we greet the relay; by default the machine's own name."""
    connections: int = 4
    """The maximum number of simultaneous connections, regardless of the number of senders."""
    timeout: float = 60.0
    """The time limit, in seconds, for connecting with TLS and login, and then for each reply."""
    idle_seconds: float = 30.0
    """The number of seconds for which an unused connection is kept."""
    messages_per_connection: int = 1000

    def tls_context(self) -> ssl.SSLContext | None:
        """Return the context that verifies the relay's certificate; None without encryption."""
        if self.security == "none":
            return None
        return ssl.create_default_context(cafile=self.ca_file)
