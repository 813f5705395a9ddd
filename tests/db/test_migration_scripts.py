"""Migrations as Citus takes them: command by command, and each constraint by itself."""

import re
from pathlib import Path

import pytest

from openstoq.db.migrations import versions
from openstoq.db.script import commands

SCRIPTS = sorted(Path(versions.__file__).parent.glob("*.sql"))
CONSTRAINT = r"(?:PRIMARY\s+KEY|FOREIGN\s+KEY|UNIQUE|CHECK|REFERENCES|EXCLUDE)\b"


def faults(script):
    for command in commands(script):
        bare = re.sub(r"--[^\n]*|'(?:[^']|'')*'", "", command).strip()
        if not bare.upper().startswith("ALTER TABLE"):
            continue
        if re.search(rf"\bADD\s+{CONSTRAINT}", bare, re.IGNORECASE):
            yield f"a constraint without a name: {bare}"
        elif re.search(rf"\bADD\s+COLUMN\b.*{CONSTRAINT}", bare, re.IGNORECASE | re.DOTALL):
            yield f"a column and a constraint in one command: {bare}"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_columns_and_constraints_are_added_one_by_one(script):
    assert list(faults(script.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "command",
    [
        "ALTER TABLE a ADD COLUMN b text CHECK (b <> '')",
        "ALTER TABLE a ADD COLUMN b text, ADD CONSTRAINT c CHECK (b <> '')",
        "ALTER TABLE a ADD COLUMN b uuid REFERENCES c",
        "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES c",
        "-- why\nALTER TABLE a ADD UNIQUE (b)",
    ],
)
def test_anything_else_is_found(command):
    assert len(list(faults(command))) == 1


def test_a_script_is_split_into_its_commands():
    script = """-- What it is for; and why.
CREATE TABLE a (b text DEFAULT ';', "c;" text); -- a table; of its own
/* a block;
   of text */ INSERT INTO a VALUES ('it''s; that');
DO $$ BEGIN; PERFORM 1; END $$;
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $body$ SELECT '$$;' $body$;
ALTER TABLE a DROP COLUMN b
-- the end;
"""
    found = list(commands(script))
    assert [re.sub(r"\s+", " ", one) for one in found] == [
        "-- What it is for; and why. CREATE TABLE a (b text DEFAULT ';', \"c;\" text)",
        "-- a table; of its own /* a block; of text */ INSERT INTO a VALUES ('it''s; that')",
        "DO $$ BEGIN; PERFORM 1; END $$",
        "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $body$ SELECT '$$;' $body$",
        "ALTER TABLE a DROP COLUMN b -- the end;",
    ]
    assert list(commands("SELECT 1;\n-- nothing follows\n")) == ["SELECT 1"]


async def test_constraints_have_the_names_that_postgresql_would_give_them(database):
    async with database.transaction(None) as db:
        rows = await db.fetch(
            """
            SELECT conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint
            WHERE conname = ANY($1)
            """,
            [
                "preorder_lines_payment_check",
                "preorder_lines_shop_id_order_id_fkey",
                "preorder_variants_policy_asked_check",
            ],
        )
    assert {row["conname"]: row["definition"].partition(" ")[0] for row in rows} == {
        "preorder_lines_payment_check": "CHECK",
        "preorder_lines_shop_id_order_id_fkey": "FOREIGN",
        "preorder_variants_policy_asked_check": "CHECK",
    }
