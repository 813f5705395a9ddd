"""Migrations: Alembic runs the SQL files in migrations/versions in order, and each only once."""

import asyncio
from pathlib import Path

from alembic import command, op
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import await_only

from openstoq.db.script import commands

_HERE = Path(__file__).parent / "migrations"
_LOCK = 7_305_800_001


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    return config


async def migrate(url: str, *, up_to: str = "head") -> list[str]:
    """Migrate the database at `url` to a revision; return the revisions that were applied.

    Several processes may call this at once, because an advisory lock makes them take turns.
    """
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=NullPool
    )
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
            await connection.commit()
            before = await connection.run_sync(_applied)
            await connection.run_sync(_upgrade, up_to)
            await connection.commit()
            after = await connection.run_sync(_applied)
            return [revision for revision in _in_order() if revision in after - before]
    finally:
        await engine.dispose()


def migrate_now(url: str) -> list[str]:
    """Call `migrate` from synchronous code."""
    return asyncio.run(migrate(url))


def run_sql_beside(revision_file: str) -> None:
    """Run the .sql file next to a revision's .py file, command by command.

    Citus refuses to change tables in a query of several commands.
    """
    script = Path(revision_file).with_suffix(".sql").read_text(encoding="utf-8")
    bind = op.get_bind()
    # The first statement opens the transaction that the script and its version row share.
    bind.exec_driver_sql("SELECT 1")
    # SQLAlchemy would prepare each command, and take a colon or a percent sign for a parameter.
    execute = bind.connection.driver_connection.execute  # type: ignore[union-attr]  # it is open: see above
    for command_ in commands(script):
        await_only(execute(command_))


def _upgrade(connection: Connection, up_to: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, up_to)


def _applied(connection: Connection) -> set[str]:
    heads = MigrationContext.configure(connection).get_current_heads()
    script = ScriptDirectory.from_config(_config())
    return {
        revision.revision for head in heads for revision in script.iterate_revisions(head, "base")
    }


def _in_order() -> list[str]:
    script = ScriptDirectory.from_config(_config())
    return [revision.revision for revision in script.walk_revisions()][::-1]
