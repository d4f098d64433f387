"""The schema: looked at when storage is opened, and brought to the newest by one daemon at a time.

Rules: migrations are forward only and applied in one transaction under an advisory lock; within a major version they
only add, so that older daemons go on, and start, beside newer ones; a schema of a newer major version is refused.
"""

from __future__ import annotations

from typing import Any

from ..errors import StorageUnavailable
from .postgresql_sessions import SCHEMA
from .statements import migrations

MAJOR = 1  #: of the schema: one more when a migration takes away or changes what older programs count on
MIGRATING = 0x42757201  #: class of the advisory lock; the member numbers have another one
OLDEST = 130000  #: as server_version_num has it
_PATIENCE = "60s"  #: for another daemon that migrates


async def check_server(where: str, connection: Any) -> None:
    """Look whether the server can be used.

    :raises StorageUnavailable: it is too old, or keeps texts in another encoding.
    """
    number = int(await connection.fetchval("SELECT current_setting('server_version_num')"))
    encoding = await connection.fetchval("SELECT current_setting('server_encoding')")
    if number < OLDEST:
        raise StorageUnavailable(
            f"database {where}: PostgreSQL {number // 10000} is too old; {OLDEST // 10000} or newer is needed"
        )
    if encoding != "UTF8":
        raise StorageUnavailable(
            f"database {where}: its encoding is {encoding}; "
            "create one with UTF-8: createdb --encoding UTF8 --template template0"
        )


async def check_schema(where: str, connection: Any, *, exact: bool = False) -> int:
    """The number of the newest migration that was applied; 0: none.

    :param exact: it must be the newest there is, or a newer one.
    :raises StorageUnavailable: it is one that cannot be used.
    """
    version, major, newest = 0, MAJOR, max(migrations("postgresql"))
    if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", f"{SCHEMA}.schema_changes"):
        query = f"SELECT coalesce(max(number), 0), coalesce(max(major), {MAJOR}) FROM {SCHEMA}.schema_changes"
        version, major = await connection.fetchrow(query)
    if major > MAJOR:
        raise StorageUnavailable(
            f"database {where}: a newer version of Bureaucrat has used it (schema {major}.{version}, this one knows "
            f"{MAJOR}.{newest}); install that version, or restore a backup"
        )
    if exact and version < newest:
        raise StorageUnavailable(
            f"database {where}: its schema ({version}) is older than this program's ({newest}); start the daemon once"
        )
    return int(version)


async def migrate(where: str, connection: Any) -> None:
    """Bring the schema to the newest that is known, unless it is. Needs a connection that does nothing else."""
    if await check_schema(where, connection) >= max(migrations("postgresql")):
        return
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{_PATIENCE}'; SET LOCAL statement_timeout = 0")
        await connection.execute(f"SELECT pg_advisory_xact_lock({MIGRATING}, 0)", timeout=90.0)
        version = await check_schema(where, connection)
        if not await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", SCHEMA):
            await connection.execute(f"CREATE SCHEMA {SCHEMA}")
        await connection.execute(
            f"CREATE TABLE IF NOT EXISTS {SCHEMA}.schema_changes "
            "(number integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now(), major integer NOT NULL)"
        )
        for number, sql in migrations("postgresql").items():
            if number > version:
                await connection.execute(sql, timeout=3600.0)
                done = f"INSERT INTO {SCHEMA}.schema_changes (number, major) VALUES ($1, $2)"
                await connection.execute(done, number, MAJOR)
