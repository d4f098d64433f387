"""How a PostgreSQL database is, and how it is read when that takes long.

Rules: what belongs together is read in one transaction at level "repeatable read", so that one moment sees it; nothing
is written.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ..ports import Vitals
from .postgresql_member import living
from .postgresql_schema import check_schema

LONG = 600.0  #: seconds that one statement of an examination may take


@asynccontextmanager
async def unhurried(connection: Any) -> AsyncIterator[None]:
    """A transaction that sees one moment, and whose statements may take long."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(f"SET LOCAL statement_timeout = '{LONG:.0f}s'")
        yield


async def examined(where: str, connection: Any) -> Vitals:
    """How the database is. What a server's disk has room for is not to be seen from here."""
    version = await connection.fetchval("SELECT current_setting('server_version')")
    return Vitals(
        technology=f"PostgreSQL {version.split()[0]}",
        place=where,
        schema=await check_schema(where, connection),
        problems=[],
        size=int(await connection.fetchval("SELECT pg_database_size(current_database())")),
        log=0,
        room=None,
        is_exposed=False,
        daemons=len(await living(connection)),
    )
