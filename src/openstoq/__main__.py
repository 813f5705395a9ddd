"""The command line; `openstoq --help` lists the commands."""

import sys

from pydantic import ValidationError

from openstoq.bootstrap import SettingsError
from openstoq.commands import app
from openstoq.commerce.port import CommerceError
from openstoq.db.embedded import EmbeddedServerError


def main() -> None:
    """Run one command of the command line.

    A wrong setting, or an error of the platform or of the embedded PostgreSQL, ends the process
    with a sentence instead of a traceback.
    """
    try:
        app()
    except (SettingsError, EmbeddedServerError, CommerceError) as error:
        sys.exit(f"openstoq: {error}")
    except ValidationError as error:
        if error.title != "Settings":
            raise
        for problem in error.errors():
            name = "OPENSTOQ_" + "_".join(str(part) for part in problem["loc"]).upper()
            sys.stderr.write(f"openstoq: {name}: {problem['msg']}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
