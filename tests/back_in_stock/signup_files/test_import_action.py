"""Importing and exporting over HTTP."""

import csv
import io

import pytest

from openstoq.back_in_stock.signup_files.actions import LONGEST
from openstoq.back_in_stock.signup_files.columns import COLUMNS
from openstoq.back_in_stock.signup_files.exports import PAGE
from openstoq.back_in_stock.signup_files.model import ImportView
from openstoq.web import signup_files
from tests.back_in_stock.signup_files.files import OTHER, import_lines
from tests.factories.apps import client_of, make_app
from tests.factories.catalogs import VARIANT
from tests.factories.waitlists import make_signup, make_waitlist, rows

pytestmark = pytest.mark.usefixtures("catalogue")

IMPORT = "/back_in_stock/signups/import"
EXPORT = "/back_in_stock/signups/export.csv"
CSV = f"variant_id,contact,name\n{VARIANT},ada@example.com,Ada\n{OTHER},ada@example.com,Ada\n"


@pytest.fixture
def app(runtime):
    return make_app(runtime, routes=signup_files.routes(runtime))


def cells_of(answer):
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


async def test_a_file_is_imported(database, client, shop):
    answer = await client.post(IMPORT, json={"csv": CSV})
    assert answer.status_code == 200
    view = ImportView.model_validate_json(answer.content)
    assert (view.row_count, view.imported_count, view.invalid) == (2, 2, [])
    assert len(await rows(database, shop, "signups")) == 2
    again = (await client.post(IMPORT, json={"csv": "\ufeff" + CSV})).json()
    assert (again["imported_count"], again["skipped"]["known"]) == (0, 2)


async def test_problems_are_named_by_line_and_nothing_is_written(database, client, shop):
    content = CSV + "999,b@example.com,\n" + f"{VARIANT},nobody,\n"
    answer = await client.post(IMPORT, json={"csv": content})
    assert answer.status_code == 422
    first, second = answer.json()["errors"]
    assert first.startswith("line 4: the shop has no variant 999")
    assert second.startswith("line 5: phone is not valid")
    assert await rows(database, shop, "signups") == []
    skipping = (await client.post(IMPORT, json={"csv": content, "skip_invalid": True})).json()
    assert (skipping["imported_count"], skipping["invalid_count"]) == (2, 2)
    assert [one["line"] for one in skipping["invalid"]] == [4, 5]


async def test_a_dry_run_imports_nothing(database, client, shop):
    answer = await client.post(f"{IMPORT}?dry_run=true", json={"csv": CSV})
    assert answer.json()["imported_count"] == 2
    assert answer.json()["effects"] == []
    assert await rows(database, shop, "signups") == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "csv"),
        ("name\nAda\n", "csv: no column says which variant"),
        ("variant_id,contact\n", "csv: the file has no rows"),
        ("variant_id,contact\n11," + "x" * 200_000, "csv: line 2 has more than"),
        ("x" * (LONGEST + 1), "csv"),
        ('variant_id,contact\n11,"ada', "line 2: a quotation mark"),
    ],
)
async def test_what_cannot_be_imported_is_422(database, client, shop, content, sentence):
    answer = await client.post(IMPORT, json={"csv": content})
    assert answer.status_code == 422
    assert answer.json()["errors"][0].startswith(sentence)
    assert await rows(database, shop, "signups") == []


async def test_no_contact_is_in_the_audit_log(database, client, shop):
    more = "".join(f"{VARIANT},ada{n}@example.com,Ada\n" for n in range(100))
    await client.post(IMPORT, json={"csv": CSV + more})
    (row,) = await rows(database, shop, "audit_log")
    assert row["action"] == "back_in_stock.signups.import"
    assert "ada" not in str(row["arguments"]).lower()
    assert len(str(row["arguments"])) < 200


async def test_an_export_is_an_attachment_with_a_name(client, shop):
    answer = await client.get(EXPORT)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith('attachment; filename="signups-snowdevil-20')
    assert disposition.endswith('.csv"')
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-RateLimit-Limit"] == "360"
    assert answer.content.startswith(b'\xef\xbb\xbf"variant_id",')
    assert cells_of(answer) == []
    head = await client.head(EXPORT)
    assert (head.content, head.headers["Content-Disposition"]) == (b"", disposition)


async def test_every_signup_is_exported_once_oldest_first(database, client, shop):
    await make_waitlist(database, shop, 2 * PAGE + 1)
    found = [row["contact"] for row in cells_of(await client.get(EXPORT))]
    assert found == [f"shopper{n}@example.com" for n in range(1, 2 * PAGE + 2)]


async def test_an_export_can_be_narrowed(database, client, shop):
    await make_signup(database, shop, "a@example.com", notified_at=shop.installed_at)
    await make_signup(database, shop, "b@example.com")
    await make_signup(database, shop, "c@example.com", variant_id=OTHER)
    await make_signup(database, shop, "+4915123456789", channel="sms")
    for query, contacts in {
        "status=notified": ["a@example.com"],
        f"variant_id={OTHER}": ["c@example.com"],
        "channel=sms": ["'+4915123456789"],
        "status=pending&channel=email": ["b@example.com", "c@example.com"],
    }.items():
        answer = await client.get(f"{EXPORT}?{query}")
        assert sorted(row["contact"] for row in cells_of(answer)) == contacts
    for query in ("status=odd", "nope=1", "variant_id=x"):
        assert (await client.get(f"{EXPORT}?{query}")).status_code == 422


async def test_an_export_needs_a_key(app, shop):
    async with client_of(app) as stranger:
        answer = await stranger.get(EXPORT)
        assert answer.status_code == 401
        assert "X-Auth-Token" in answer.json()["errors"][0]


async def test_no_cell_of_an_export_is_a_formula(database, client, shop):
    names = ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "a;=1+1", "'=1", "O'Hara"]
    for n, name in enumerate(names):
        await make_signup(database, shop, f"x{n}@example.com", name=name)
    text = (await client.get(EXPORT)).content.decode("utf-8-sig")
    for line in text.splitlines()[1:]:
        for cell in line.split('","'):
            assert not cell.lstrip('"').startswith(("=", "+", "-", "@"))
    assert '"a;=1+1"' in text


async def test_an_export_comes_back_as_it_was(database, client, shop):
    header = (
        "variant_id,channel,contact,email,phone,name,quantity,language,country,optin_confirmed,"
        "accepts_marketing,signed_up_at"
    )
    await import_lines(
        database,
        shop,
        header,
        f'{VARIANT},email,ada@example.com,,+4915123456789,"=1, ""Ada""",3,de,DE,yes,no,2026-05-01',
        f"{OTHER},sms,+4915123456789,ada@example.com,,'=x,1,,,no,,2026-05-02T10:00:00.123456Z",
        f"{OTHER},push,-token,,,,1,,,,,2026-05-03",
    )
    text = (await client.get(EXPORT)).content.decode()
    columns = set(COLUMNS) - {"sku", "product_id"}
    before = cells_of(await client.get(EXPORT))
    again = (await client.post(IMPORT, json={"csv": text})).json()
    assert (again["imported_count"], again["skipped"]["known"]) == (0, 3)
    async with database.transaction(shop.id) as db:
        await db.execute("DELETE FROM customers WHERE shop_id = $1", shop.id)
    assert (await client.post(IMPORT, json={"csv": text})).json()["imported_count"] == 3
    after = cells_of(await client.get(EXPORT))
    assert [{name: row[name] for name in columns} for row in after] == [
        {name: row[name] for name in columns} for row in before
    ]
    assert before[0]["name"] == '\'=1, "Ada"'
