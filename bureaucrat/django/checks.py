"""What ``manage.py check`` says: whether what the setting names can be used, and what to do if not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections

from .settings import given

_MAY = """
SELECT to_regprocedure('bureaucrat.bureaucrat_launch(text, jsonb, text)') IS NOT NULL,
    has_function_privilege(p.oid, 'EXECUTE'), current_user
FROM (SELECT 1) AS one LEFT JOIN pg_proc AS p
    ON p.oid = to_regprocedure('bureaucrat.bureaucrat_launch(text, jsonb, text)')
"""
_USABLE = "SELECT to_regnamespace('bureaucrat') IS NULL OR has_schema_privilege('bureaucrat', 'USAGE'), current_user"
_GRANT = (
    "GRANT USAGE ON SCHEMA bureaucrat TO {0}; GRANT EXECUTE ON FUNCTION bureaucrat.bureaucrat_launch, "
    "bureaucrat.bureaucrat_event TO {0};"
)


def check_setting(app_configs: Sequence[Any] | None = None, **_: Any) -> Iterable[CheckMessage]:
    """``BUREAUCRAT`` is there, and its database is a PostgreSQL."""
    try:
        setting = given()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="bureaucrat.E001")]
    if setting.database and connections[setting.database].vendor != "postgresql":
        found = connections[setting.database].vendor
        return [
            Error(
                f"BUREAUCRAT names the database {setting.database!r}, and that is {found}, where no daemons can share",
                hint='name a PostgreSQL, or reach the daemons through RabbitMQ: {"amqp": "amqp://…"}',
                id="bureaucrat.E002",
            )
        ]
    return []


def check_database(
    app_configs: Sequence[Any] | None = None, databases: Sequence[str] | None = None, **_: Any
) -> Iterable[CheckMessage]:
    """The functions are in the database, and Django's role may call them. Asked by ``check --database ALIAS``."""
    if list(check_setting()):
        return []
    alias = given().database
    if alias is None or alias not in (databases or ()):
        return []
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute(_USABLE)
            is_usable, role = cursor.fetchone()
            if not is_usable:
                return [_may_not(role)]
            cursor.execute(_MAY)
            is_there, may, role = cursor.fetchone()
    except DatabaseError as error:
        return [Error(f"the database {alias!r} cannot be asked: {error}", id="bureaucrat.E003")]
    if not is_there:
        hint = "start a daemon on it once: [storage] url = postgresql://…"
        return [Error(f"no daemon has worked on the database {alias!r}", hint=hint, id="bureaucrat.E004")]
    return [] if may else [_may_not(role)]


def _may_not(role: str) -> CheckMessage:
    hint = f"as the daemon's role: {_GRANT.format(role)}"
    return Error(f"the role {role!r} may not start processes", hint=hint, id="bureaucrat.E005")
