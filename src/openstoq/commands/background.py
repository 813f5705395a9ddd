"""`openstoq demo --background`: a demo that goes on running after its command has returned."""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import orjson

from openstoq.commands.scripts.stage import Demo, Place, shell_lines


def start(options: Sequence[str]) -> str:
    """Start a demo, wait until it is ready, and return its values as lines for a shell.

    The demo's process inherits neither our output nor our terminal. Otherwise a shell that reads
    our output, as in $(…), would wait until the demo ends. The demo logs to a file. If it does not
    start, our process exits with what it has logged.
    """
    with tempfile.NamedTemporaryFile(prefix="openstoq-demo-", suffix=".log", delete=False) as log:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "openstoq", "demo", "--json", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    try:
        line = process.stdout.readline() if process.stdout is not None else b""
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    if not line:
        process.wait()
        said = Path(log.name).read_text(encoding="utf-8", errors="replace").strip()
        Path(log.name).unlink()
        sys.exit(said or "openstoq: the demo ended before it was ready")
    told = orjson.loads(line)
    demo = Demo(**{**told, "other_shop": Place(**told["other_shop"])})
    return demo.shell + shell_lines({"DEMO": str(process.pid), "LOG": log.name})
