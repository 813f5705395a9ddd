"""The settings of a process, and the addresses that follow from them."""

from pathlib import Path

from pydantic import ValidationError

from openstoq.config import PREFIX, Settings
from openstoq.db import embedded
from openstoq.errors import OperatorError


class SettingsError(OperatorError):
    """A setting prevents the process from starting; the message names the setting and the remedy."""


class UnreadableSettings(SettingsError):  # noqa: N818 - its base says that it is an error
    """Settings have values that cannot be read; there is a sentence for each."""

    exit_code = 2


def read_settings() -> Settings:
    """Return the settings of the environment; raise UnreadableSettings if any cannot be read."""
    try:
        return Settings()
    except ValidationError as error:
        raise UnreadableSettings(
            *(
                f"{PREFIX}{'_'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
                for problem in error.errors()
            )
        ) from error


def database_url(settings: Settings) -> str:
    """Return the URL of PostgreSQL; raise SettingsError if none is known.

    While `openstoq up` runs an embedded server, other commands find its URL in a file.
    """
    if settings.database.url is not None:
        return settings.database.url.get_secret_value()
    left_by_up = embedded_address(settings)
    if left_by_up.exists() and embedded.is_running(settings.database.data_dir / "postgres"):
        return left_by_up.read_text(encoding="ascii")
    raise SettingsError(
        "set OPENSTOQ_DATABASE_URL to a PostgreSQL server (15 to 18), or start one with "
        "`openstoq up`"
    )


def embedded_address(settings: Settings) -> Path:
    """Return the path of the file that holds the embedded server's URL while it runs."""
    return settings.database.data_dir / "database.url"


def owner_url(settings: Settings) -> str:
    """Return the URL that migrations connect to: `owner_url` if it is set, else the usual URL."""
    owner = settings.database.owner_url
    return owner.get_secret_value() if owner is not None else database_url(settings)
