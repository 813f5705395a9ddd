"""The settings of an installation, read once from OPENSTOQ_… variables.

A field `pool_size` of the group `database` is read from OPENSTOQ_DATABASE_POOL_SIZE.
docs/configuration.md is generated from this module.
"""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from openstoq.kernel.addresses import plain

PREFIX = "OPENSTOQ_"
# How long a process that stops lets the requests that it is handling finish.
GRACE_SECONDS = 10


def _proxies(value: str) -> str:
    """Return a comma-separated list of proxies, normalised for comparison with client addresses.

    Raises ValueError if an entry is neither an address nor a network, or covers every address.
    """
    proxies = [plain(one.strip()) for one in value.split(",") if one.strip()]
    for proxy in proxies:
        try:
            is_everybody = ip_network(proxy).prefixlen == 0
        except ValueError:
            is_everybody = proxy == "*"
            if not is_everybody:
                raise ValueError(
                    f"{proxy} is neither an address nor a network such as 10.0.0.0/8"
                ) from None
        if is_everybody:
            raise ValueError(
                f"{proxy} would believe everybody's X-Forwarded-For: name your proxies' own "
                "addresses or networks"
            )
    return ",".join(proxies)


class Group(BaseModel):
    """Base of a group of settings, which rejects unknown names so that no typo goes unnoticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Database(Group):
    """PostgreSQL, which holds the data, the job queue and the points of rate limits."""

    url: SecretStr | None = Field(
        None, description="postgresql://… of any server from 15 to 18. Unset: an embedded server."
    )
    owner_url: SecretStr | None = Field(
        None, description="For `openstoq migrate`, when the tables belong to another login."
    )
    listen_url: SecretStr | None = Field(
        None,
        description="A direct address for the workers' queue, when `url` leads through pgbouncer.",
    )
    data_dir: Path = Field(Path("data"), description="Where the embedded server keeps its files.")
    pool_size: Annotated[int, Field(ge=1, le=500)] = Field(
        10,
        description="Connections per process. One shop may use half of them; further requests "
        "wait.",
    )
    prepared_statements: bool = Field(
        True, description="Turn off behind pgbouncer in transaction mode."
    )
    read_seconds: Annotated[float, Field(gt=0, le=3600)] = Field(
        10.0, description="For one statement of a request that reads; it is stopped after that."
    )
    write_seconds: Annotated[float, Field(gt=0, le=3600)] = Field(
        30.0, description="For one statement of a request that writes."
    )
    job_seconds: Annotated[float, Field(gt=0, le=86_400)] = Field(
        600.0, description="For one statement of a job."
    )


class Http(Group):
    """The API server."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(8000, description="Port to listen on.")
    workers: Annotated[int, Field(ge=1, le=64)] = Field(1, description="Processes of `serve`.")
    public_url: str = Field(
        "http://127.0.0.1:8000",
        description="How the outside reaches this server: in webhooks, mails and links.",
    )
    trusted_proxies: Annotated[str, AfterValidator(_proxies)] = Field(
        "127.0.0.1",
        description="Addresses and networks (10.0.0.0/8) of the proxies whose X-Forwarded-For is "
        "believed, comma-separated. `*` is refused: anybody could say who he is.",
    )
    max_body_bytes: int = Field(1_048_576, description="Larger request bodies are answered 413.")
    max_webhook_bytes: int = Field(
        8_388_608,
        description="The same for Shopify's webhooks, of which an order with hundreds of lines is "
        "over 1 MB; Shopify deletes a subscription whose deliveries keep failing.",
    )
    max_connections: Annotated[int, Field(ge=10, le=100_000)] = Field(
        1000,
        description="Open connections of a process. Beyond that, connections that wait for their "
        "request are closed first; a connection whose request is being handled stays open.",
    )
    max_connections_per_address: Annotated[int, Field(ge=1)] = Field(
        100,
        description="The same for one client address, or one IPv6 /64; trusted proxies excepted.",
    )
    max_head_bytes: Annotated[int, Field(ge=4096, le=1_048_576)] = Field(
        65_536,
        description="Limit for a request's URL and headers together. More is answered 431, a URL "
        "of over half of it 414.",
    )
    head_seconds: Annotated[float, Field(gt=0)] = Field(
        10, description="For a request's head, and for each 10 KB of its body."
    )
    body_seconds: Annotated[float, Field(gt=0)] = Field(
        300, description="For a request's body, whatever its size."
    )
    answer_seconds: Annotated[float, Field(gt=0)] = Field(
        30,
        description="For each 30 KB of a response that a client reads; the whole response may "
        "take ten times as long. Slower clients are cut off.",
    )
    policy_seconds: Annotated[float, Field(ge=0, le=GRACE_SECONDS - 2)] = Field(
        8,
        description="How long v1's `remove_variant` waits until the shop has the inventory policy "
        "that it was sent. After that it answers that the shop does not have it yet.",
    )
    keep_alive_seconds: Annotated[float, Field(gt=0)] = Field(
        5,
        description="How long a connection may wait for its next request; more than your proxy's "
        "own time, if it keeps connections.",
    )


class Security(Group):
    """Keys and secrets of the installation itself."""

    key: SecretStr = Field(
        SecretStr(""),
        description="At least 32 random characters; seals Shopify tokens and signs unsubscribe "
        "links. `openstoq demo` makes its own.",
    )


class Shopify(Group):
    """The Shopify app of this installation."""

    client_secret: SecretStr = Field(
        SecretStr(""), description="The app's client secret; it signs webhooks."
    )
    previous_client_secret: SecretStr | None = Field(
        None, description="The secret before a rotation; still accepted while it is set."
    )
    timeout_seconds: float = Field(20.0, description="For one request to the Admin API.")
    metafield_namespace: Annotated[str, Field(pattern=r"^[$a-z0-9_:-]{3,64}$")] = Field(
        "openstoq", description="Where the storefront finds what it shows of preorders."
    )


class Limits(Group):
    """The rate points that callers may spend."""

    points: int = Field(360, description="Points per shop and 60 seconds; GET 1, others 2.")
    address_points: int = Field(
        120,
        description="Points per client address, shop and 60 seconds on public endpoints; the "
        "addresses of an IPv6 /64 count as one.",
    )
    signup_points: int = Field(
        12_000,
        description="Points per shop and 60 seconds for sign-ups without a key, of all addresses "
        "together; each costs 2.",
    )


class Mail(Group):
    """The SMTP relay."""

    host: str = Field("127.0.0.1", description="The relay's name or address.")
    port: int = Field(25, description="The relay's port.")
    security: Literal["none", "starttls", "tls"] = Field(
        "none", description="How the connection is encrypted."
    )
    username: str | None = Field(None, description="For AUTH; unset: none.")
    password: SecretStr | None = Field(None, description="For AUTH.")
    ca_file: Path | None = Field(None, description="Certificates to trust instead of the system's.")
    sender: str = Field("alerts@localhost", description="The address mails come from.")
    sender_domains: str = Field(
        "",
        description="Domains, comma-separated, whose addresses shops may choose as the sender of "
        "their mails. Empty: any domain; the relay decides which it takes.",
    )
    connections: Annotated[int, Field(ge=1, le=500)] = Field(
        10,
        description="Limit for one worker's connections to the relay, so several workers open as "
        "many each. One shop may use three quarters of them while the relay is slow. A worker that "
        "is killed repeats at most three messages for each connection and 32 more, at least 64.",
    )
    timeout_seconds: float = Field(30.0, description="For one response of the relay.")


class Worker(Group):
    """The process that runs background jobs."""

    concurrency: Annotated[int, Field(ge=4, le=1000)] = Field(
        20,
        description="Jobs that run at once, and as many more that send messages. One shop may run "
        "half of either.",
    )
    lease_seconds: Annotated[int, Field(ge=3, le=300)] = Field(
        10, description="After how long messages that a dead worker claimed may be claimed again."
    )
    metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        None,
        description="Serve the worker's own /metrics and /healthz on this port of `metrics_host`.",
    )
    metrics_host: str = Field("127.0.0.1", description="Address of the worker's /metrics.")


class Collection(Group):
    """Collecting the balances of preorders."""

    retry_days: Annotated[str, Field(pattern=r"^\d{1,3}(,\d{1,3}){0,19}$")] = Field(
        "1,3,5,7",
        description="After how many days a declined balance is tried again, comma-separated.",
    )
    hold_unpaid: bool = Field(
        True,
        description="Hold a preorder again when somebody releases it in Shopify before its balance "
        "is paid. The merchant is told once.",
    )


class Audit(Group):
    """The audit log, which records every change and its author."""

    days: Annotated[int, Field(ge=1, le=36_500)] = Field(
        400, description="How long a row of the audit log is kept."
    )


class Log(Group):
    """The logs of all processes."""

    format: Literal["json", "console"] = Field("json", description="One object a line, or text.")
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severe level that is logged."
    )


class Settings(BaseSettings):
    """All settings of an installation."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        frozen=True,
        extra="forbid",
    )

    database: Database = Database()
    http: Http = Http()
    security: Security = Security()
    shopify: Shopify = Shopify()
    limits: Limits = Limits()
    mail: Mail = Mail()
    worker: Worker = Worker()
    collection: Collection = Collection()
    audit: Audit = Audit()
    log: Log = Log()


def variable(group: str, name: str) -> str:
    """Return the name of a setting's environment variable."""
    return f"{PREFIX}{group}_{name}".upper()
