"""Celery tasks that a definition names by where they stand, called here as functions are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..core.activities import Action
from ..core.table import Definition
from ..functions import Functions
from ..in_process import PREFIX, imported
from .failure import Exit, Failure
from .modules import explained, search_here


def add_celery(functions: Functions, definitions: Iterable[Definition]) -> None:
    """Let the Celery tasks that these definitions name be called here, where their names say what to import.

    :raises Failure: a module cannot be imported; one that is not there is passed over.
    """
    actions = [one for definition in definitions for one in definition.activities if isinstance(one, Action)]
    for name in dict.fromkeys(str(one.participant.literal) for one in actions):
        if functions.find(name) is None and name.startswith(PREFIX):
            search_here(Path.cwd())
            try:
                found = imported([name])
            except (Exception, SystemExit) as error:  # whatever a module of the user raises is its own
                raise Failure(Exit.NOT_STARTED, *explained(name.removeprefix(PREFIX), error)) from error
            for participant, function in found.items():
                functions.add(participant, function)
