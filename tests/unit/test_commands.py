"""The command line: it lists every command, and a process imports only what its command runs."""

import subprocess
import sys

import pytest
import typer

from openstoq.__main__ import main
from openstoq.commands import COMMANDS, app

# What takes long to load, by who needs it.
MIGRATING = {"alembic", "sqlalchemy"}
QUEUE = {"pgqueuer"}
SERVING = {"mcp", "uvicorn", "starlette"}
ANY = {"pydantic", "asyncpg", "httpx", "liquid", "jinja2", "orjson", "structlog"}
LIBRARIES = MIGRATING | QUEUE | SERVING | ANY
# The modules of the application that hold the features.
FEATURES = {"openstoq.registry", "openstoq.web", "openstoq.preorders", "openstoq.back_in_stock"}

IMPORTED = """
import sys
{statement}
sys.stderr.write(" ".join(sys.modules))
"""


def imported_by(statement):
    script = IMPORTED.format(statement=statement)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


def imported_by_command(*arguments):
    return imported_by(f"""
from openstoq.__main__ import main
sys.argv = ["openstoq", *{arguments!r}]
try:
    main()
except SystemExit as end:
    assert not end.code
""")


@pytest.mark.parametrize("arguments", [("--help",), ("--version",)])
def test_the_list_of_commands_loads_none_of_them(arguments):
    loaded = imported_by_command(*arguments)
    assert not loaded & (LIBRARIES | FEATURES)
    assert {name for name in loaded if name.startswith("openstoq.")} <= {
        "openstoq.__main__",
        "openstoq.commands",
        "openstoq.commands.deferred",
        "openstoq.errors",
        "openstoq.kernel",
        "openstoq.kernel.faults",
    }


@pytest.mark.parametrize(
    ("command", "without"),
    [
        ("serve", LIBRARIES - {"pydantic", "asyncpg", "orjson", "structlog"} | FEATURES),
        ("worker", MIGRATING | {"mcp"}),
        ("migrate", QUEUE | SERVING | FEATURES | {"httpx", "liquid"}),
        ("up", QUEUE | SERVING | FEATURES | {"httpx", "liquid"}),
        ("docs", MIGRATING | QUEUE | SERVING),
        ("shop", MIGRATING | QUEUE | SERVING | {"openstoq.web"}),
        ("demo", QUEUE | SERVING | {"openstoq.web"}),
    ],
)
def test_a_command_loads_no_more_than_it_runs(command, without):
    loaded = imported_by_command(command, "--help")
    assert f"openstoq.commands.{command}" in loaded
    others = {f"openstoq.commands.{one.name}" for one in COMMANDS} - {
        f"openstoq.commands.{command}"
    }
    assert loaded & (without | others) == set()


def test_an_api_process_does_without_migrations_and_the_workers_queue():
    loaded = imported_by("from openstoq.bootstrap import api")
    assert {"mcp", "uvicorn", "openstoq.registry"} <= loaded
    assert not loaded & (MIGRATING | QUEUE)


def test_a_worker_process_does_without_migrations_and_mcp():
    loaded = imported_by("from openstoq.bootstrap import worker")
    assert "pgqueuer" in loaded
    assert not loaded & (MIGRATING | {"mcp"})


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_list_says_of_a_command_what_the_command_says_of_itself(command):
    assert command.help == command.command.help
    assert command.command.get_short_help_str(200) == command.get_short_help_str(200)


def test_every_module_of_a_command_is_listed():
    listed = typer.main.get_command(app).commands
    assert list(listed) == [command.name for command in COMMANDS]


def test_a_wrong_setting_ends_a_command_with_a_sentence_for_each(monkeypatch, capsys):
    monkeypatch.setenv("OPENSTOQ_HTTP_PORT", "many")
    monkeypatch.setenv("OPENSTOQ_DATABASE_POOL_SIZE", "0")
    monkeypatch.setattr(sys, "argv", ["openstoq", "worker"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["openstoq", "openstoq"]
    assert {line.split(": ")[1] for line in lines} == {
        "OPENSTOQ_HTTP_PORT",
        "OPENSTOQ_DATABASE_POOL_SIZE",
    }


def test_a_short_key_ends_a_command_with_a_sentence(monkeypatch, capsys):
    monkeypatch.setenv("OPENSTOQ_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    monkeypatch.setenv("OPENSTOQ_SECURITY_KEY", "short")
    monkeypatch.setattr(sys, "argv", ["openstoq", "shop", "keys", "brand.myshopify.com"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("openstoq: set OPENSTOQ_SECURITY_KEY")
