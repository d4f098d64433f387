"""A Django project in one program: prints as JSON what checks and calls say under one setting after the other.

Run as ``python asked.py PORT DATABASE AMQP``: a PostgreSQL on which no daemon has worked, and a broker without daemons.
"""

from __future__ import annotations

import asyncio
import json
import sys

import django
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import transaction
from django.test import override_settings

PORT, DATABASE, AMQP = sys.argv[1:]
SHARED = {"NAME": DATABASE, "USER": "bureaucrat", "HOST": "127.0.0.1", "PORT": PORT}
ALONE = {"NAME": ":memory:", "ENGINE": "django.db.backends.sqlite3"}
settings.configure(
    INSTALLED_APPS=["bureaucrat.django"],
    DATABASES={
        "default": ALONE,
        "shared": {"ENGINE": "django.db.backends.postgresql", **SHARED},
        "away": {"ENGINE": "django.db.backends.postgresql", **SHARED, "PORT": "1"},
    },
)
django.setup()

from bureaucrat.django import aevent, alaunch, event, launch  # noqa: E402

told: dict[str, str] = {}


def tell(name: str, call: object, *given: object, **named: object) -> None:
    """What comes of a call."""
    try:
        told[name] = repr(call(*given, **named))  # type: ignore[operator]
    except (Exception, SystemCheckError) as error:
        told[name] = f"{type(error).__name__}: {error}"


def check(name: str, setting: object, *databases: str) -> None:
    with override_settings(BUREAUCRAT=setting):
        tell(name, call_command, "check", databases=list(databases))


check("nothing", None)
check("empty", {})
check("key", {"amqp": AMQP, "exhange": "x"})
check("alias", {"database": "defualt"})
check("sqlite", {"database": "default"}, "default")
check("no daemon", {"database": "shared"}, "shared")
check("away", {"database": "away"}, "away")
check("broker", {"amqp": AMQP}, "default")
check("not asked", {"database": "shared"}, "default")

with override_settings(BUREAUCRAT={"database": "shared"}):
    tell("elsewhere", launch, "order", using="default")
    tell("unknown function", launch, "order")

with override_settings(BUREAUCRAT={"amqp": AMQP, "exchange": "clients", "timeout": 1.0}):
    tell("no json", launch, "order", {"when": object()})
    tell("no number", event, "paid", {"amount": float("inf")})
    with transaction.atomic():
        tell("id", launch, "order", id="a/b")
        tell("own", lambda: len(launch("order")))
        tell("event", event, "paid", id="e1")
        transaction.set_rollback(True)
    tell("no daemons", launch, "order", {}, id="order-1")
    tell("no daemons for an event", event, "paid")
    tell("asynchronous", lambda: asyncio.run(alaunch("order", {}, id="order-1")))
    tell("asynchronous event", lambda: asyncio.run(aevent("paid")))
print(json.dumps(told))
