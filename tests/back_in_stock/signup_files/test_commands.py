"""The command line: `openstoq import signups` and `openstoq export signups`."""

import asyncio
from csv import DictReader
from functools import partial
from io import StringIO

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

    async def run(*arguments, of=shop.domain):
        invoke = partial(CliRunner().invoke, commands, [*map(str, arguments), "--shop", of])
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
    for name in ("nope", "base64", "hex", "rot13"):
        odd = await call("import", "signups", file, "--encoding", name)
        assert odd.exit_code == 2, name


async def test_an_empty_file_and_one_that_is_missing(call, file, tmp_path):
    file.write_bytes(b"")
    empty = await call("import", "signups", file)
    assert isinstance(empty.exception, OperatorError)
    assert "the file is empty" in str(empty.exception)
    assert (await call("import", "signups", tmp_path / "none.csv")).exit_code == 2


async def test_an_export_that_fails_leaves_the_last_one(call, file, tmp_path):
    target = tmp_path / "exported.csv"
    target.write_text("what was exported before")
    failed = await call("export", "signups", target, of="nobody.myshopify.com")
    assert failed.exit_code != 0
    assert target.read_text() == "what was exported before"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["exported.csv", "signups.csv"]


async def test_who_never_had_to_confirm_is_not_exported_as_confirmed(database, shop, call, file):
    assert (await call("import", "signups", file)).exit_code == 0
    exported = (await call("export", "signups")).stdout_bytes.decode("utf-8-sig")
    assert [row["optin_confirmed"] for row in DictReader(StringIO(exported))] == ["", ""]
    async with database.transaction(shop.id) as db:
        await db.execute("UPDATE signups SET optin_required = true WHERE shop_id = $1", shop.id)
    exported = (await call("export", "signups")).stdout_bytes.decode("utf-8-sig")
    assert {row["optin_confirmed"] for row in DictReader(StringIO(exported))} == {"false"}
