"""The revisions as they are read from their files are those that Alembic runs."""

from pathlib import Path

from alembic.script import ScriptDirectory

from openstoq.db import migrate
from openstoq.db.revisions import revisions, too_old


def test_the_revisions_are_alembics():
    script = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
    newest_first = list(script.walk_revisions())
    assert [
        (one.revision, one.down_revision, getattr(one.module, "phase", None))
        for one in reversed(newest_first)
    ] == [tuple(one) for one in revisions()]


def test_a_database_before_the_newest_revision_that_the_code_needs_is_too_old():
    named = [one.revision for one in revisions()]
    needed = [one.revision for one in revisions() if one.phase == "pre"][-1]
    assert sorted(too_old()) == sorted(named[: named.index(needed)])
    assert needed not in too_old()
