"""docs/architecture.md agrees with the import contract, the folders, the SQL and the schema."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "openstoq"
VERSIONS = SOURCE / "db" / "migrations" / "versions"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")

WRITES = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+(?:ONLY\s+)?([a-z_.]+|\{[a-z_.]+\})")
FUNCTION = re.compile(r"AS \$\$.*?\$\$", re.DOTALL)
# `Leases` writes to the tables that its instances name.
LEASED = re.compile(r'\bLeases\("(\w+)"')


def floors():
    """Return the floors of the import contract, without packages that do not exist yet."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    layers = next(one for one in contracts if one["name"] == "Imports point downwards")["layers"]
    return [
        layer.strip("()")
        for layer in layers
        if not layer.startswith("(") or (SOURCE / layer.strip("()")).exists()
    ]


def test_the_picture_shows_the_floors_of_the_import_contract():
    picture = re.search(r"```mermaid\n(.*?)```", PAGE, re.DOTALL)[1]
    boxes = re.findall(r'^ +(f\d+)\["(.+?)<br/>.+"\]$', picture, re.MULTILINE)
    assert [floor for _, floor in boxes] == floors()
    assert f"{' --> '.join(box for box, _ in boxes)}\n" in picture


def test_contributing_names_the_same_floors():
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    block = re.search(r"```\n(__main__ →.*?)```", page, re.DOTALL)[1]
    assert " ".join(block.split()) == " → ".join(floors())


def test_every_path_that_the_page_names_exists():
    named = set(re.findall(r"`([\w.][\w./-]*/[\w./-]*|[\w-]+\.(?:py|toml))`", PAGE))
    assert len(named) > 80
    assert [p for p in sorted(named) if not ((SOURCE / p).exists() or (ROOT / p).exists())] == []


def test_the_tour_has_a_line_for_each_package():
    tour = _section("A tour of the folders")
    packages = [
        file.parent.relative_to(SOURCE).as_posix()
        for file in SOURCE.rglob("__init__.py")
        if file.parent != SOURCE and "sandbox" not in file.relative_to(SOURCE).parts
    ]
    assert len(packages) > 40
    assert [name for name in sorted(packages) if f"`{name}/`" not in tour] == []


def test_every_table_is_written_by_the_rooms_that_the_page_names():
    written, named = _written(), {(table, room) for table, room, _ in _owners() if room}
    assert {
        "missing in the page": sorted(written - named),
        "missing in the code": sorted(named - written),
    } == {"missing in the page": [], "missing in the code": []}


def test_every_table_of_the_schema_has_a_row_and_its_columns_exist():
    schema = _schema()
    unknown = [
        f"{table}.{column}"
        for table, _, what in _owners()
        for column in re.findall(r"`(\w+)`", what)
        if column not in schema.get(table, ())
    ]
    assert unknown == []
    assert {table for table, _, _ in _owners()} == set(schema)


def _section(title):
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]


def _owners():
    """Return table, room and what it writes there; the room is empty for a library's table."""
    rows = re.findall(
        r"^\| `([\w.]+)` \| (?:`([\w/]+)/`|none of ours) \| (.+) \|$",
        _section("Whose table is whose"),
        re.MULTILINE,
    )
    assert len(rows) > 50
    return rows


def _schema():
    """Return the columns of each table, as all revisions leave them."""
    files = sorted(VERSIONS.glob("*.sql"))
    sql = re.sub(r"--.*", "", "\n".join(file.read_text(encoding="utf-8") for file in files))
    tables = {
        table: set(re.findall(r"^    (\w+) ", body, re.MULTILINE))
        for table, body in re.findall(
            r"CREATE (?:UNLOGGED )?TABLE ([\w.]+) \(\n(.*?)^\)", sql, re.MULTILINE | re.DOTALL
        )
    }
    for table, changes in re.findall(r"ALTER TABLE ([\w.]+)\s(.*?);", sql, re.DOTALL):
        tables[table] |= set(re.findall(r"ADD COLUMN (\w+)", changes))
    return tables


def _written():
    """Return each table that a statement of the code writes, with the statement's room."""
    tables, found = _schema(), set()
    for file in SOURCE.rglob("*.py"):
        if VERSIONS in file.parents:
            continue
        text, room = file.read_text(encoding="utf-8"), file.parent.relative_to(SOURCE).as_posix()
        found |= {("jobs", table) for table in LEASED.findall(text)}
        for table in WRITES.findall(text):
            if table.startswith("{"):
                assert file == SOURCE / "jobs" / "leases.py", f"{file}: name the table in the SQL"
            elif table in tables:
                found.add((room, table))
    for file in VERSIONS.glob("*.sql"):
        for body in FUNCTION.findall(file.read_text(encoding="utf-8")):
            room = VERSIONS.relative_to(SOURCE).as_posix()
            found |= {(room, table) for table in WRITES.findall(body) if table in tables}
    return {(table, room) for room, table in found}
