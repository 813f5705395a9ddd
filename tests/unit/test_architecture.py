"""docs/architecture.md agrees with the import contract, the folders, the SQL and the schema."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "openstoq"
VERSIONS = SOURCE / "db" / "migrations" / "versions"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")

READS = re.compile(r"\b(?:FROM|JOIN)\s+(?:ONLY\s+)?([a-z_.]+)")
WRITES = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+(?:ONLY\s+)?([a-z_.]+|\{[a-z_.]+\})")
FUNCTION = re.compile(r"AS \$\$.*?\$\$", re.DOTALL)
# The packages whose parts are rooms of their own.
ROOMS = ("openstoq", "openstoq.back_in_stock", "openstoq.preorders")
# `Leases` writes to the tables that its instances name.
LEASED = re.compile(r'\bLeases\("(\w+)"')


def contracts():
    """Return the layers of each package that an import contract orders, the highest first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {
        package: contract["layers"]
        for contract in project["tool"]["importlinter"]["contracts"]
        for package in contract.get("containers", ())
    }


def floors():
    """Return the floors of the import contract, without packages that do not exist yet."""
    layers = contracts()["openstoq"]
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


def test_no_module_reads_a_table_whose_every_writer_stands_above_it():
    layers, writers = contracts(), {}
    for table, room in _written():
        writers.setdefault(table, []).append(room)
    upwards = [
        f"{module} reads {table}"
        for module, table in sorted(_read())
        if table in writers and all(_is_above(layers, room, module) for room in writers[table])
    ]
    assert upwards == []


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


def _is_above(layers, room, module):
    """Return whether an import contract between rooms has `room` above `module`.

    Both are paths from `src/openstoq`. Rooms inside offers or inside orders share their tables.
    """
    package = "openstoq"
    for upper, lower in zip(room.split("/"), module.split("/"), strict=False):
        if upper != lower:
            order = layers[package] if package in ROOMS else []
            at = {name: index for index, one in enumerate(order) for name in one.split(" | ")}
            return upper in at and lower in at and at[upper] < at[lower]
        package = f"{package}.{upper}"
    return False


def _read():
    """Return each module without its suffix, with each table that a statement of it reads.

    Migrations are left out: they change the tables of every room. A name that the module itself
    gives to a part of a statement is no table.
    """
    tables, found = _schema(), set()
    for file in SOURCE.rglob("*.py"):
        if VERSIONS not in file.parents:
            text = file.read_text(encoding="utf-8")
            named = {one for one in READS.findall(text) if f" {one} AS (" not in text}
            module = file.relative_to(SOURCE).with_suffix("").as_posix()
            found |= {(module, table) for table in named if table in tables}
    return found


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
