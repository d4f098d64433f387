"""What ``bureaucrat launch`` does: publishes a launch, waits for its end if it is to, and says what came of it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from ..config import load
from ..definition.limits import limits_of
from ..engine.registry import named
from ..errors import BrokerUnavailable, ConfigurationError, Refused
from ..launcher import InstanceCanceled, InstanceFaulted, Launcher, LaunchRefused, NoQueue, NotYet, Result
from .failure import Exit, Failure
from .fields import check_required, parse_fields
from .progress import Output
from .run import definition_in
from .window import Launches
from .wording import command, rough


class Launching:
    """One launch.

    :param given: what was typed.
    :param config: the file of settings; None: the one that the daemon would find.
    :param make: gives what starts instances; None: it is the launcher for RabbitMQ.
    """

    def __init__(
        self, given: Mapping[str, Any], config: str | None, make: Callable[[str | None], Launches] | None
    ) -> None:
        self._given = given
        self._config = config
        self._make = make or Launcher
        self._place = () if config is None else ("-c", config)
        self._output = Output(sys.stdout)

    def run(self) -> Exit:
        """Do it.

        :raises Failure: it was not launched, or nobody knows whether it was.
        """
        try:
            with self._make(self._config) as launcher:
                id = self._launch(launcher)
                return self._wait(launcher, id) if self._given["is_waiting"] else self._launched(id)
        except (BrokerUnavailable, NoQueue, ConfigurationError) as error:
            raise Failure(Exit.NOT_STARTED, str(error), f"check   {command(['config', *self._place])}") from error
        except Refused as refused:
            raise Failure(Exit.INVALID, f"not launched: {refused}") from refused

    def _launch(self, launcher: Launches) -> str:
        given, what = self._given, self._given["what"]
        if not what.endswith(".xml") and not Path(what).is_file():
            fields = parse_fields(None, given["words"])
            name, version = self._named(what)
            return launcher.launch(
                process=name, version=version, fields=fields, id=given["id"], business_key=given["key"]
            )
        if given["version"] is not None:
            raise Failure(Exit.INVALID, f"{what} is a file; --version is for a process that is launched by its name")
        given_limits = load(None if self._config is None else Path(self._config), os.environ).limits
        limits = limits_of(given_limits.document, given_limits.activities)
        definition = definition_in(what, limits=limits)
        fields = parse_fields(definition, given["words"])
        check_required(definition, fields)
        return launcher.launch(definition.source, fields, id=given["id"], business_key=given["key"])

    def _named(self, what: str) -> tuple[str, int | None]:
        name, version = named(what)
        if None not in (version, given := self._given["version"]) and version != given:
            raise Failure(Exit.INVALID, f"which version, {version} or {given}? Give it once")
        return name, given if version is None else version

    def _launched(self, id: str) -> Exit:
        self._say({"id": id}, f"instance {id} is with the broker; the daemon starts it", self._look(id))
        return Exit.OK

    def _look(self, id: str) -> str:
        return f"look   {command(['show', id, *self._place])}"

    def _wait(self, launcher: Launches, id: str) -> Exit:
        if not self._given["is_json"]:
            self._output.line(f"instance {id} is with the broker; waiting for its end")
        try:
            result = launcher.result(id, self._given["timeout"])
        except (InstanceFaulted, InstanceCanceled, LaunchRefused, NotYet) as error:
            self._say({"id": id, "error": str(error)}, str(error), self._look(id))
            return Exit.REFUSED if isinstance(error, LaunchRefused) else Exit.UNFINISHED
        fields = json.dumps(result.fields, ensure_ascii=self._output.is_ascii)
        found = {"id": id, "outcome": result.outcome, "fields": result.fields}
        self._say(found, f"completed{_took(result)}, outcome {result.outcome}", f"fields {fields}")
        return Exit.OK

    def _say(self, found: dict[str, Any], *lines: str) -> None:
        if self._given["is_json"]:
            click.echo(json.dumps(found, ensure_ascii=self._output.is_ascii))
            return
        for line in lines:
            self._output.line(line)


def _took(result: Result) -> str:
    if result.started is None or result.ended is None:
        return ""
    return f" in {rough(result.ended - result.started)}"
