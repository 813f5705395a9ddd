"""The blocks of the documents that are pasted into a shell, and a shell that takes them."""

import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

import psutil

from tests.factories.patience import PATIENCE

ROOT = Path(__file__).parents[2]
# The first line of a block that cannot be run here, with the reason.
BY_HAND = re.compile(r"# Not run by the tests: (\S.*)\.\n")
_FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_PORT = re.compile(r"-port (\d+)")
# The longest that a block may take: `make demo` plays two stories.
LONGEST = 4 * PATIENCE
_END = "the block has ended with"
# Notes the status of each answer, beside what curl prints.
_CURL = (
    '#!/bin/sh\nexec {} --write-out "%{{stderr}}{} %{{method}} %{{http_code}} %{{url}}\\n" "$@"\n'
)
_STATUS = "answered:"
_STATUSES = re.compile(rf"{_STATUS} (\w+) (\d+) (\S+)")


@dataclass(frozen=True, slots=True)
class Block:
    """A block of shell commands, and what the page shows of its outcome.

    `by_hand` is the reason why it cannot be run here.
    """

    place: str
    code: str
    outcome: str | None
    by_hand: str | None

    def shows(self, printed: str) -> bool:
        """Return whether what was printed ends as the page shows; … stands for anything."""
        parts = map(re.escape, (self.outcome or "").strip().split("…"))
        return re.search(".*".join(parts) + r"\s*\Z", printed, re.DOTALL) is not None


def blocks_of(page: str) -> list[Block]:
    """Return the blocks of a page, in its order; an outcome follows its block at once."""
    text = (ROOT / page).read_text(encoding="utf-8")
    fences = list(_FENCE.finditer(text))
    found = []
    for number, fence in enumerate(fences):
        if fence[2] != "sh":
            continue
        code = textwrap.dedent(fence[3])
        follows = fences[number + 1] if number + 1 < len(fences) else None
        shows = (
            follows is not None
            and follows[2] != "sh"
            and text[fence.end() : follows.start()].strip() == ""
        )
        by_hand = BY_HAND.match(code)
        found.append(
            Block(
                place=f"{page}:{text.count(chr(10), 0, fence.start()) + 1}",
                code=code,
                outcome=textwrap.dedent(follows[3]) if shows and follows is not None else None,
                by_hand=by_hand[1] if by_hand is not None else None,
            )
        )
    return found


def ports_of(page: str) -> list[str]:
    """Return the ports that the blocks of a page name, in their order."""
    return list(
        dict.fromkeys(port for block in blocks_of(page) for port in _PORT.findall(block.code))
    )


class Shell:
    """A bash in a folder that is laid out like a checkout; its blocks are pasted one by one.

    Demos without a port use `first_port`. The folders `programs` are searched for commands first.
    """

    def __init__(
        self, folder: Path, first_port: int, programs: tuple[Path, ...], environment: dict[str, str]
    ) -> None:
        self.folder = folder
        self._lay_out(first_port)
        before = [folder / "shims", folder / ".venv" / "bin", *programs]
        path = os.pathsep.join([*map(str, before), os.environ["PATH"]])
        self._errors = folder / "errors"
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                ["bash", "--norc"],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PATH": path}
                | environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        self._lines: Queue[str] = Queue()
        Thread(target=self._read, daemon=True).start()

    def paste(self, block: Block, ports: dict[str, str]) -> None:
        """Run a block; assert that it does what its page says, with other ports."""
        before = self._errors.stat().st_size
        code, outcome = (_with_ports(text, ports) for text in (block.code, block.outcome or ""))
        assert self._process.stdin is not None
        # As on a terminal, nothing of the next block is there for a command to read.
        self._process.stdin.write(f"{{\n{code}\n}} </dev/null\nprintf '\\n%s %s\\n' '{_END}' $?\n")
        self._process.stdin.flush()
        printed, status = self._until_the_end(block)
        said = self._errors.read_bytes()[before:].decode(errors="replace")
        # A block that waits in vain says the same again and again.
        once = "\n".join(dict.fromkeys(said.splitlines()))
        told = f"{block.place}\n{code}\nprinted:\n{printed}\nsaid:\n{once}"
        assert status == 0, told
        last = {(method, url): int(code) for method, code, url in _STATUSES.findall(said)}
        if '"errors"' not in outcome:
            assert [(asked, code) for asked, code in last.items() if code >= 400] == [], told
        if outcome:
            changed = Block(block.place, code, outcome, block.by_hand)
            assert changed.shows(printed), f"{told}\ninstead of:\n{outcome}"

    def close(self) -> None:
        """End the shell and whatever its blocks have left running."""
        self._process.kill()
        self._process.wait()
        left = [one for one in psutil.process_iter() if self._is_of_ours(one)]
        for one in left:
            with suppress(psutil.NoSuchProcess):
                one.send_signal(signal.SIGTERM)
        psutil.wait_procs(left, PATIENCE)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()

    def _is_of_ours(self, process: psutil.Process) -> bool:
        try:
            return Path(process.cwd()) == self.folder
        except (psutil.Error, OSError):
            return False

    def _read(self) -> None:
        assert self._process.stdout is not None
        with suppress(ValueError):
            for line in self._process.stdout:
                self._lines.put(line)

    def _until_the_end(self, block: Block) -> tuple[str, int]:
        printed = ""
        while True:
            try:
                line = self._lines.get(timeout=LONGEST)
            except Empty:
                said = self._errors.read_text(errors="replace")[-2000:]
                raise TimeoutError(
                    f"{block.place} has not ended\n{block.code}\nprinted:\n{printed}\nsaid:\n{said}"
                ) from None
            if line.startswith(_END):
                return printed, int(line.removeprefix(_END))
            printed += line

    def _lay_out(self, first_port: int) -> None:
        """Make what a checkout has after `make setup`, with a demo that uses free ports."""
        programs, shims = self.folder / ".venv" / "bin", self.folder / "shims"
        programs.mkdir(parents=True)
        shims.mkdir()
        demo = f'[ "$1" = demo ] && case "$*" in *--port*) ;; *) set -- "$@" --port {first_port};; esac'
        python = f'exec {sys.executable} "$@"'
        _program(programs / "python", python)
        _program(programs / "openstoq", f'{demo}\nexec {sys.executable} -m openstoq "$@"')
        _program(programs / "shopify-sandbox", f'exec {sys.executable} -m shopify_sandbox "$@"')
        _program(programs / "pgq", f'exec {sys.executable} -m pgqueuer "$@"')
        _program(shims / "python3", python)
        curl = shutil.which("curl")
        assert curl is not None, "the documents need curl: apt install curl"
        (shims / "curl").write_text(_CURL.format(curl, _STATUS))
        (shims / "curl").chmod(0o755)
        for name in ("Makefile", "requirements"):
            (self.folder / name).symlink_to(ROOT / name)
        for stamp in (".runtime", ".demo"):
            (self.folder / ".venv" / stamp).touch()


def _with_ports(text: str, ports: dict[str, str]) -> str:
    """Return a text with other ports, those in addresses included."""
    return re.sub(r"\b\d{4}\b", lambda found: ports.get(found[0], found[0]), text)


def _program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
