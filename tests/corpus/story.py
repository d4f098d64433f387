"""How a corpus row is read, played and told.

A corpus file holds rows. A row is a definition and a story: what happens to one instance of it (lines that begin with
``>``), each followed by everything that must come of it, in order, and nothing else. See ``README.rst`` here.
"""

from __future__ import annotations

import json
import re
import shlex
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from bureaucrat.core.limits import Limits
from bureaucrat.core.table import Definition
from bureaucrat.definition.reader import read
from bureaucrat.engine.settings import Settings
from bureaucrat.engine.writes import Progress
from bureaucrat.errors import Refused
from bureaucrat.testing import OpenAttempt, Simulation

FOLDER = Path(__file__).parent
_CALLED = re.compile(r"\b[0-9a-f]{32}\b")  #: the id of a called instance
_SILENT = {"started", "launched", "answered"}


@dataclass(frozen=True)
class Row:
    """One row of the corpus."""

    file: str
    line: int
    rules: tuple[str, ...]
    about: str
    definition: Definition
    limits: dict[str, Any]
    others: tuple[Definition, ...]  #: what the story may deploy
    story: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.file}:{self.line} {'+'.join(self.rules)} {self.about}"


def rows() -> list[Row]:
    """Every row of every file in this folder."""
    return [row for path in sorted(FOLDER.glob("*.xml")) for row in _rows_of(path)]


def _rows_of(path: Path) -> list[Row]:
    return [_row_of(path, element) for element in etree.parse(path).getroot().iterfind("row")]


def _row_of(path: Path, element: Any) -> Row:
    process = element.find("process")
    text = etree.tostring(process, with_tail=False)
    story = element.findtext("story") or ""
    return Row(
        file=path.name,
        line=element.sourceline,
        rules=tuple(element.get("rules").split()),
        about=element.get("about"),
        definition=read(text, file=f"{path.name}:{element.sourceline}"),
        limits=json.loads(element.get("limits", "{}")),
        others=tuple(read(etree.tostring(one, with_tail=False)) for one in element.iterfind("others/process")),
        story=tuple(line.strip() for line in story.splitlines() if line.strip()),
    )


def play(row: Row, **kept: int) -> list[str]:
    """The story as it really goes: the same inputs, and what came of them. `kept`: settings of the engine's memory."""
    settings = Settings(history="full", limits=Limits(**row.limits), **kept)
    told: list[str] = []
    simulation = Simulation(row.definition, settings=settings)
    for line in row.story:
        if line.startswith(">"):
            told.append(line)
            before = len(simulation.trace)
            try:
                told += do(simulation, row, line[1:].strip())
            except Refused as refused:
                told.append(f"refused {refused}".replace("\n", "; "))
            told += tell(simulation, before)
    return told


def follow(row: Row) -> Simulation:
    """The simulation after the story."""
    simulation = Simulation(row.definition, settings=Settings(history="full", limits=Limits(**row.limits)))
    for line in row.story:
        if line.startswith(">"):
            with suppress(Refused):
                do(simulation, row, line[1:].strip())
    return simulation


def do(simulation: Simulation, row: Row, line: str) -> list[str]:
    """One input; what it says besides what comes of it. The last word may be JSON: an object of fields."""
    command, _, rest = line.partition(" ")
    head, fields = _split(rest)
    words = shlex.split(head)
    match command, words:
        case "deploy", [number, *version]:
            return [simulation.deploy(row.others[int(number) - 1], *map(int, version))]
        case "deploy", []:
            return [simulation.deploy(row.definition)]
        case "undeploy", [name, *version]:
            return simulation.undeploy(name, *map(int, version))
        case "launch", []:
            simulation.launch(fields, instance="I")
        case "launch", [instance]:
            simulation.launch(fields, instance=instance)
        case "answer", [activity]:
            simulation.answer(activity, fields)
        case "answer", [activity, number]:
            attempts = [a for a in simulation.sent if _is_of(simulation, a, activity)]
            simulation.answer_attempt(attempts[int(number) - 1], fields)
        case "fail", [activity, *error]:
            simulation.fail(activity, *error)
        case "throw", [activity, code, *message]:
            simulation.throw(activity, code, *message)
        case "event", [name]:
            simulation.event(name, **fields)
        case "advance", [duration]:
            simulation.advance(duration)
        case "cancel", []:
            simulation.cancel()
        case "cancel", ["compensate"]:
            simulation.cancel(compensate=True)
        case "suspend", []:
            simulation.suspend()
        case "resume", []:
            simulation.resume()
        case "set", []:
            simulation.set(**fields)
        case "retry", []:
            simulation.retry(**fields)
        case "skip", activity:
            simulation.skip(*activity, **fields)
        case "move", [end, start]:
            simulation.move(end, start)
        case "migrate", [number]:
            simulation.migrate(row.others[int(number) - 1], fields)
        case "restart", after:
            simulation.restart(*after)
        case _:
            raise AssertionError(f"the story says {line!r}, which is nothing that happens")
    return []


def _split(rest: str) -> tuple[str, dict[str, Any]]:
    head, brace, body = rest.partition("{")
    return head, json.loads(brace + body) if brace else {}


def _is_of(simulation: Simulation, attempt: OpenAttempt, activity: str) -> bool:
    if activity == attempt.participant:  # it is the same whatever the instance runs now
        return True
    known = simulation.definition.activities[attempt.dispatch.activity]
    return activity in (known.id, known.name)


def tell(simulation: Simulation, since: int) -> list[str]:
    """What came of an input, a line each."""
    return [_line(simulation, entry) for entry in simulation.trace[since:] if entry.what not in _SILENT]


def _line(simulation: Simulation, entry: Progress) -> str:
    line = " ".join(part for part in (entry.what, _label(simulation, entry), _detail(simulation, entry)) if part)
    return _CALLED.sub("called", line)


def _label(simulation: Simulation, entry: Progress) -> str:
    if entry.instance != "I":
        name = entry.instance if entry.instance.isupper() else "called"
        return f"{name}:" + entry.address[len(entry.instance) :]
    if entry.activity is None:
        return ""
    known = simulation.definition.activities[entry.activity]
    items = "".join(re.findall(r"\.\d+", entry.address))
    return f"{known.id}{items}" if known.id else f"{known.tag}{entry.address[len(entry.instance) :]}"


def _detail(simulation: Simulation, entry: Progress) -> str:
    detail = entry.detail
    match entry.what:
        case "dispatched":
            return _json(_sent(simulation, entry))
        case "failed":
            return f"{detail['attempt']}/{detail['of']} {_json(detail['error'])} again in {detail['wait']:.3f}"
        case "caught":
            return f"{detail['code']} {_json(detail['message'])}"
        case "incident":
            return f"{detail['kind']} {detail['code']} {_json(detail['message'])}"
        case "resolved":
            return str(detail["how"])
        case "warning":
            return _json(detail["message"])
        case "condition":
            return f"{detail['code']}"
        case "moved":
            return f"{detail['ended']} {detail['started']}"
        case "changed":
            return " ".join(detail["names"])  # type: ignore[arg-type]
        case "reminded":
            return str(detail["times"])
        case "ended":
            return f"{detail['status']} {detail['outcome'] or '-'} {_json(_final(simulation, entry))}"
    return ""


def _sent(simulation: Simulation, entry: Progress) -> dict[str, Any]:
    for attempt in reversed(simulation.sent):
        if attempt.instance == entry.instance and attempt.dispatch.attempt == entry.detail["number"]:
            return {name: value for name, value in attempt.fields.items() if name not in ("inst:id", "inst:name")}
    return {}


def _final(simulation: Simulation, entry: Progress) -> dict[str, Any]:
    return dict(simulation.copy(entry.instance).branches[""].scopes[0].values)


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
