"""The command line; `openstoq --help` lists the commands."""

import sys

from openstoq.commands import app
from openstoq.errors import OperatorError


def main() -> None:
    """Run one command of the command line.

    An error that the operator can do something about, such as a wrong setting, ends the process
    with sentences instead of a traceback.
    """
    try:
        app()
    except OperatorError as error:
        sys.stderr.writelines(f"openstoq: {sentence}\n" for sentence in error.args)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
