"""Importing rows into a shop: what each becomes, whom it leaves out, and nothing is sent."""

from datetime import UTC, datetime

import pytest

from openstoq.back_in_stock.signup_files.imports import BATCH
from tests.back_in_stock.signup_files.files import (
    LONELY,
    NOW,
    OTHER,
    OTHER_PRODUCT,
    import_lines,
    problems_of,
)
from tests.factories.catalogs import PRODUCT, VARIANT, product, save, variant
from tests.factories.waitlists import make_signup, rows, set_available, set_settings

pytestmark = pytest.mark.usefixtures("catalogue")

HEADER = "variant_id,contact,signed_up_at"
ADA = f"{VARIANT},ada@example.com,2026-05-01"


async def jobs(database):
    row = await database.call("SELECT count(*) FROM queue.pgqueuer")
    return row[0]


async def test_a_row_becomes_a_signup_with_all_that_the_file_says(database, shop):
    header = (
        "sku,channel,contact,email,phone,name,quantity,language,country,optin_confirmed,"
        "accepts_marketing,signed_up_at"
    )
    row = "RED,email,Ada@Example.com,,+491512 3456789,'=Ada,3,de-de,de,yes,true,2026-05-01T10:00Z"
    outcome = await import_lines(database, shop, header, row)
    assert (outcome.rows, outcome.imported, outcome.unconfirmed) == (1, 1, 0)
    (signup,) = await rows(database, shop, "signups")
    at = datetime(2026, 5, 1, 10, tzinfo=UTC)
    assert {
        "variant_id": OTHER, "product_id": PRODUCT, "channel": "email",
        "contact": "ada@example.com", "mailbox": "ada@example.com", "quantity": 3, "name": "=Ada",
        "locale": "de-DE", "source": "import", "optin_required": True, "optin_confirmed_at": at,
        "created_at": at, "market_id": None, "optin_to_ask": False,
    }.items() <= dict(signup).items()  # fmt: skip
    (customer,) = await rows(database, shop, "customers")
    assert {
        "identity": "email:ada@example.com", "email": "ada@example.com", "phone": "+4915123456789",
        "country": "DE", "accepts_marketing": True,
    }.items() <= dict(customer).items()  # fmt: skip
    assert await rows(database, shop, "signup_import_rows", "line") == []


async def test_variants_are_found_by_id_by_sku_and_as_the_only_one(database, shop):
    outcome = await import_lines(
        database,
        shop,
        "variant_id,sku,product_id,contact",
        f"{VARIANT},,,a@example.com",
        ",RED,,b@example.com",
        f"0,,{OTHER_PRODUCT},c@example.com",
        # The ids of another shop, whose SKUs are the same.
        "999,BLUE,998,d@example.com",
        f"gid://shopify/ProductVariant/{LONELY},,,e@example.com",
    )
    assert problems_of(outcome) == []
    found = {one["contact"][0]: one["variant_id"] for one in await rows(database, shop, "signups")}
    assert found == {"a": VARIANT, "b": OTHER, "c": LONELY, "d": VARIANT, "e": LONELY}


async def test_unknown_variants_are_problems_and_nothing_is_written(database, shop):
    outcome = await import_lines(
        database,
        shop,
        "variant_id,sku,product_id,contact",
        f"{VARIANT},,,a@example.com",
        "999,,,b@example.com",
        ",GREEN,,c@example.com",
        f",,{PRODUCT},d@example.com",
        ",,997,e@example.com",
        f"{VARIANT},,,not an address",
    )
    assert [line for line, _ in problems_of(outcome)] == [3, 4, 5, 6, 7]
    sentences = " ".join(outcome.problems.sentences)
    for part in ("no variant 999", "SKU 'GREEN'", f"{PRODUCT} has 2 variants", "no product 997"):
        assert part in sentences
    assert outcome.imported == 0
    for table in ("signups", "customers"):
        assert await rows(database, shop, table) == []
    assert await rows(database, shop, "signup_import_rows", "line") == []


async def test_an_sku_of_several_variants_is_a_problem(database, shop):
    await save(database, shop, product(variant(31, sku="BLUE", product_id=30), id=30))
    outcome = await import_lines(database, shop, "sku,contact", "BLUE,ada@example.com")
    assert "2 variants; name the variant_id" in outcome.problems.sentences[0]


async def test_what_was_deleted_and_made_again_is_followed(database, shop):
    async with database.transaction(shop.id) as db:
        await db.execute(
            "UPDATE variants SET deleted_at = $3, replaced_by = $4 WHERE shop_id = $1 AND id = $2",
            shop.id,
            VARIANT,
            NOW,
            OTHER,
        )
    assert (await import_lines(database, shop, HEADER, ADA)).imported == 1
    (signup,) = await rows(database, shop, "signups")
    assert signup["variant_id"] == OTHER


async def test_invalid_rows_are_left_out_on_request(database, shop):
    lines = (HEADER, "999,b@example.com,", ADA, f"{VARIANT},nobody,", f"{VARIANT},x")
    outcome = await import_lines(database, shop, *lines, skip_invalid=True)
    assert (outcome.rows, outcome.imported, outcome.problems.count) == (4, 1, 3)


async def test_very_many_problems_are_counted_and_not_listed(database, shop):
    lines = [f"{VARIANT},nobody{n}," for n in range(2 * BATCH + 1)]
    outcome = await import_lines(database, shop, HEADER, *lines)
    assert outcome.problems.count == len(lines)
    assert len(outcome.problems.sentences) == 21
    assert outcome.problems.sentences[-1] == f"and {len(lines) - 20} more"


async def test_a_second_import_changes_nothing_and_says_so(database, shop):
    lines = (HEADER, ADA, f"{OTHER},ada@example.com,", f"{VARIANT},+491512 3456789,2026-05-02")
    assert (await import_lines(database, shop, *lines)).imported == 3
    before = await rows(database, shop, "signups"), await rows(database, shop, "customers")
    outcome = await import_lines(database, shop, *lines)
    assert (outcome.imported, outcome.known) == (0, 3)
    assert "nothing was imported: all of it is here already" in outcome.view.remarks
    assert before == (
        await rows(database, shop, "signups"),
        await rows(database, shop, "customers"),
    )


@pytest.mark.parametrize("column", ["notified_at", "blocked_at"])
async def test_who_was_told_meanwhile_is_not_put_on_the_list_again(database, shop, column):
    await import_lines(database, shop, HEADER, ADA, f"{OTHER},ada@example.com,")
    async with database.transaction(shop.id) as db:
        await db.execute(
            f"UPDATE signups SET {column} = $2 WHERE shop_id = $1",  # noqa: S608 - the test's own names
            shop.id,
            NOW,
        )
    outcome = await import_lines(database, shop, HEADER, ADA, f"{OTHER},ada@example.com,")
    assert (outcome.imported, outcome.known) == (0, 2)


async def test_who_signed_up_elsewhere_after_an_alert_of_ours_is_imported(database, shop):
    await make_signup(database, shop, seconds=-86_400, notified_at=NOW)
    outcome = await import_lines(database, shop, HEADER, f"{VARIANT},ada@example.com,2026-07-02")
    assert outcome.imported == 1


async def test_rows_that_repeat_another_are_one_signup_of_the_earliest_time(database, shop):
    far = [f"{OTHER},far{n}@example.com," for n in range(BATCH)]
    outcome = await import_lines(
        database,
        shop,
        HEADER,
        f"{VARIANT},ada@example.com,",
        f"{VARIANT},ADA@example.com,2026-05-02",
        *far,
        ADA,
    )
    assert (outcome.repeated, outcome.imported, outcome.known) == (2, BATCH + 1, 0)
    found = await rows(database, shop, "signups", "created_at")
    # Midnight of the shop, which is in UTC.
    assert found[0]["created_at"] == datetime(2026, 5, 1, tzinfo=UTC)


async def test_who_does_not_wait_is_not_imported(database, shop):
    outcome = await import_lines(
        database,
        shop,
        "variant_id,contact,status,last_notified_at",
        f"{VARIANT},a@example.com,unsubscribed,",
        f"{VARIANT},b@example.com,notified,",
        f"{VARIANT},c@example.com,pending,2026-01-01",
        f"{VARIANT},d@example.com,pending,",
    )
    assert (outcome.not_waiting, outcome.imported) == (3, 1)


async def test_an_unsubscription_here_stays(database, shop):
    await make_signup(database, shop, unsubscribed_at=NOW)
    async with database.transaction(shop.id) as db:
        await db.execute(
            "UPDATE customers SET unsubscribed_at = $2 WHERE shop_id = $1", shop.id, NOW
        )
    outcome = await import_lines(database, shop, HEADER, f"{OTHER},ada@example.com,2026-07-30")
    assert (outcome.unsubscribed, outcome.imported) == (1, 0)
    (customer,) = await rows(database, shop, "customers")
    assert customer["unsubscribed_at"] == NOW


async def test_what_can_be_bought_is_not_waited_for(database, shop):
    async with database.transaction(shop.id) as db:
        await set_available(db, shop, VARIANT, 5)
    outcome = await import_lines(database, shop, HEADER, ADA, f"{OTHER},ada@example.com,")
    assert (outcome.in_stock, outcome.imported) == (1, 1)
    async with database.transaction(shop.id) as db:
        await set_available(db, shop, VARIANT, 0)
    assert (await import_lines(database, shop, HEADER, ADA)).imported == 1


async def test_nothing_is_sent_and_nobody_is_asked(database, shop):
    await set_settings(database, shop, {"compliance": {"optin_required": True}})
    before = await jobs(database)
    outcome = await import_lines(
        database,
        shop,
        "variant_id,contact,optin_confirmed",
        f"{VARIANT},a@example.com,yes",
        f"{VARIANT},b@example.com,no",
        f"{VARIANT},c@example.com,",
    )
    assert (outcome.imported, outcome.unconfirmed) == (3, 2)
    assert await jobs(database) == before
    found = {one["contact"][0]: one for one in await rows(database, shop, "signups")}
    assert all(one["optin_required"] and not one["optin_to_ask"] for one in found.values())
    assert [found[who]["optin_confirmed_at"] is None for who in "abc"] == [False, True, True]


async def test_what_the_file_does_not_say_of_consent_is_up_to_the_shop(database, shop):
    outcome = await import_lines(
        database,
        shop,
        "variant_id,contact,optin_confirmed",
        f"{VARIANT},b@example.com,no",
        f"{VARIANT},c@example.com,",
    )
    assert outcome.unconfirmed == 1
    found = {
        one["contact"][0]: one["optin_required"] for one in await rows(database, shop, "signups")
    }
    assert found == {"b": True, "c": False}


async def test_what_is_known_of_a_customer_stays(database, shop):
    await import_lines(
        database,
        shop,
        "variant_id,contact,name,accepts_marketing",
        f"{VARIANT},ada@example.com,Ada,no",
    )
    await import_lines(
        database,
        shop,
        "variant_id,contact,name,accepts_marketing,language",
        f"{OTHER},ada@example.com,Eve,yes,fr",
    )
    (customer,) = await rows(database, shop, "customers")
    assert (customer["name"], customer["accepts_marketing"]) == ("Ada", False)
    assert customer["locale"] == "fr"


async def test_an_unknown_market_is_a_problem_once_markets_are_known(database, shop):
    lines = ("variant_id,contact,market_id", f"{VARIANT},ada@example.com,7")
    assert (await import_lines(database, shop, *lines, is_trial=True)).imported == 1
    async with database.transaction(shop.id) as db:
        await db.execute("INSERT INTO markets VALUES ($1, 8, 'Rest', true, '{}')", shop.id)
    outcome = await import_lines(database, shop, *lines)
    assert "no market 7" in outcome.problems.sentences[0]
