"""The setting ``BUREAUCRAT`` of a Django project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_KEYS = ("database", "amqp", "exchange", "timeout")


@dataclass(frozen=True)
class Given:
    """What it says."""

    database: str | None = None  #: the alias of the PostgreSQL that the daemons work on
    amqp: str | None = None  #: the URL of their RabbitMQ
    exchange: str = ""  #: for clients, where the daemons have one
    timeout: float = 5.0  #: seconds that publishing may take


def given() -> Given:
    """The setting as it is now.

    :raises ImproperlyConfigured: it is missing, or a key or value cannot be used.
    """
    found: Any = getattr(settings, "BUREAUCRAT", None)
    if not isinstance(found, dict) or not (found.get("database") or found.get("amqp")):
        raise ImproperlyConfigured(
            'say in the settings where the daemons are: BUREAUCRAT = {"database": "default"} if they work on that '
            'database, or {"amqp": "amqp://user:password@host/vhost"}'
        )
    unknown = [key for key in found if key not in _KEYS]
    if unknown:
        raise ImproperlyConfigured(f"BUREAUCRAT has no key {unknown[0]!r}; its keys are {', '.join(_KEYS)}")
    alias = found.get("database")
    if alias and alias not in settings.DATABASES:
        known = ", ".join(settings.DATABASES)
        raise ImproperlyConfigured(f"BUREAUCRAT names the database {alias!r}; DATABASES has {known}")
    return Given(**found)
