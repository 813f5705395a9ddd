"""The stage of a demo: the addresses and keys that the demo prints and its stories use."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A shop of the demo, and its API key."""

    shop_domain: str
    api_key: str


@dataclass(frozen=True, slots=True)
class Demo:
    """The addresses and keys of the demo.

    `admin_token` is valid both for the sandbox's Admin API and for its control API.
    """

    api: str
    sandbox: str
    mail: str
    shop_domain: str
    api_key: str
    webhook_secret: str
    admin_token: str
    other_shop: Place

    @property
    def shell(self) -> str:
        """The values that the documentation uses, as lines for a shell."""
        values = {
            "API": self.api,
            "SANDBOX": self.sandbox,
            "MAIL": self.mail,
            "SHOP": self.shop_domain,
            "KEY": self.api_key,
            "TOKEN": self.admin_token,
        }
        return shell_lines(values)


def shell_lines(values: Mapping[str, str]) -> str:
    """Return assignments that a shell can evaluate, one on a line."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
