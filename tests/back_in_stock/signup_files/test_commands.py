"""The command line: `openstoq import signups` and `openstoq export signups`."""

import asyncio
from functools import partial

import pytest
from typer.testing import CliRunner

from openstoq.commands import app as commands
from openstoq.errors import OperatorError
from tests.back_in_stock.signup_files.files import OTHER, file_of
from tests.factories.catalogs import VARIANT
from tests.factories.runtimes import KEY
from tests.factories.waitlists import rows

pytestmark = pytest.mark.usefixtures("catalogue")

LINES = (
    "variant_id,contact,name",
    f"{VARIANT},ada@example.com,Zoë",
    f"{OTHER},ada@example.com,Ada",
)


@pytest.fixture
def call(database_url, shop, monkeypatch):
    monkeypatch.setenv("OPENSTOQ_DATABASE_URL", database_url)
    monkeypatch.setenv("OPENSTOQ_SECURITY_KEY", KEY)

    async def run(*arguments):
        invoke = partial(
            CliRunner().invoke, commands, [*map(str, arguments), "--shop", shop.domain]
        )
        return await asyncio.to_thread(invoke)

    return run


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "signups.csv"
    path.write_bytes(file_of(*LINES))
    return path


async def test_a_file_is_imported_and_exported(database, shop, call, file, tmp_path):
    checked = await call("import", "signups", file, "--check")
    assert "2 of 2 sign-ups would be imported" in checked.stdout
    assert await rows(database, shop, "signups") == []
    imported = await call("import", "signups", file)
    assert imported.exit_code == 0
    assert imported.stdout.splitlines() == ["2 of 2 sign-ups were imported"]
    assert "Checking" in imported.stderr
    assert "Importing" in imported.stderr
    again = await call("import", "signups", file)
    assert "nothing was imported: all of it is here already" in again.stdout
    target = tmp_path / "exported.csv"
    assert (await call("export", "signups", target)).exit_code == 0
    printed = await call("export", "signups", "--status", "pending")
    assert printed.stdout_bytes == target.read_bytes()
    assert "Zoë" in target.read_text(encoding="utf-8-sig")
    repeated = await call("import", "signups", target)
    assert repeated.stdout.startswith("0 of 2 sign-ups were imported")


async def test_problems_end_the_command_with_sentences(database, shop, call, file):
    file.write_bytes(file_of(*LINES, "999,b@example.com,", f"{VARIANT},nobody,"))
    refused = await call("import", "signups", file)
    assert isinstance(refused.exception, OperatorError)
    first, *sentences = refused.exception.args
    assert "nothing was imported, because 2 lines cannot be" in first
    assert [sentence.partition(":")[0] for sentence in sentences] == ["line 4", "line 5"]
    assert await rows(database, shop, "signups") == []
    skipping = await call("import", "signups", file, "--skip-invalid")
    assert skipping.stdout.startswith("2 of 4 sign-ups were imported")
    assert "line 4: the shop has no variant 999" in skipping.stderr


async def test_an_encoding_can_be_named(call, file):
    file.write_bytes(file_of(*LINES).decode().encode("windows-1252"))
    refused = await call("import", "signups", file)
    assert isinstance(refused.exception, OperatorError)
    assert "line 2 is not UTF-8" in str(refused.exception)
    assert (await call("import", "signups", file, "--encoding", "windows-1252")).exit_code == 0
    odd = await call("import", "signups", file, "--encoding", "nope")
    assert odd.exit_code == 2


async def test_an_empty_file_and_one_that_is_missing(call, file, tmp_path):
    file.write_bytes(b"")
    empty = await call("import", "signups", file)
    assert isinstance(empty.exception, OperatorError)
    assert "the file is empty" in str(empty.exception)
    assert (await call("import", "signups", tmp_path / "none.csv")).exit_code == 2
