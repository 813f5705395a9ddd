"""A substitute for a transaction, for actions with only one statement, which commits at once."""

from typing import Any
from uuid import UUID

import asyncpg

from openstoq.db.pool import Database

# The SQL function `refuse` raises it: the statement is undone, and the message says why.
REFUSED = "OQ001"


class NeedsTransactionError(Exception):
    """The only statement was undone, because another must follow it in the same transaction."""


class SingleStatement:
    """A connection for one statement of a shop, which is undone if the server reports an error."""

    def __init__(self, database: Database, shop_id: UUID) -> None:
        self._database = database
        self._shop_id = shop_id
        self._is_spent = False

    async def fetchrow(self, query: str, *arguments: Any) -> asyncpg.Record | None:
        """Run the only statement, and return its first row; raise RuntimeError at a second call."""
        if self._is_spent:
            raise RuntimeError("an action that is declared as one statement runs another one")
        self._is_spent = True
        return await self._database.run_alone(self._shop_id, query, *arguments)
