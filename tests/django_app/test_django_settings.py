"""What a Django project is told: of its setting, of its database, and of calls that cannot be carried out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from postgres import Postgres
from rabbit import Rabbit


@pytest.mark.programs_measured
def test_settings_databases_and_calls_that_cannot_be_used_are_told_with_the_remedy(
    postgres: Postgres, rabbit: Rabbit
) -> None:
    """B-105: nothing is published while a transaction is open; what is not confirmed is an error."""
    program = Path(__file__).parent / "asked.py"
    amqp = rabbit.vhost_url(rabbit.fresh_vhost())
    command = [sys.executable, str(program), str(postgres.port), postgres.fresh_database(), amqp]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])

    parts = {
        "nothing": ["E001", "say in the settings where the daemons are", '{"database": "default"}'],
        "empty": ["E001", "say in the settings where the daemons are"],
        "key": ["E001", "BUREAUCRAT has no key 'exhange'; its keys are database, amqp, exchange, timeout"],
        "alias": ["E001", "BUREAUCRAT names the database 'defualt'; DATABASES has default, shared, away"],
        "sqlite": ["E002", "names the database 'default', and that is sqlite", "reach the daemons through RabbitMQ"],
        "no daemon": ["E004", "no daemon has worked on the database 'shared'", "start a daemon on it once"],
        "away": ["E003", "the database 'away' cannot be asked"],
        "broker": ["None"],
        "not asked": ["None"],
        "elsewhere": ["ImproperlyConfigured", "the daemons do not work on the database 'default'", '"amqp"'],
        "unknown function": ["ProgrammingError", "bureaucrat"],
        "no json": ["TypeError", "not JSON serializable"],
        "no number": ["ValueError", "not JSON compliant"],
        "event": ["None"],
        "own": ["32"],
        "no daemons": ["Unconfirmed", "no exchange 'clients'"],
        "no daemons for an event": ["Unconfirmed", "no exchange 'clients'"],
        "asynchronous": ["Unconfirmed"],
        "asynchronous event": ["Unconfirmed"],
    }
    assert {name: [part for part in wanted if part not in told[name]] for name, wanted in parts.items()} == {
        name: [] for name in parts
    }, told
    assert told["id"].strip("'").isalnum()
    assert sorted(told) == sorted([*parts, "id"])
