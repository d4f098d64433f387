"""``bureaucrat doctor``: looks for what is wrong in a database and around it, and has mended what can be.

Rules: each finding is a sentence with the command that mends it; nothing is changed but by an order, which the daemon
carries out and keeps in the audit log.
"""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections import Counter
from time import monotonic
from typing import Any

import click

from ..core.limits import Limits
from ..doctor.findings import CHECKS, Finding, Severity
from ..doctor.round import Report, Round
from ..doctor.surroundings import Health, Surroundings
from ..engine.orders import Mend
from ..errors import StorageUnavailable
from ..ports import InstanceQuery, Vitals
from ..stores import step_limits
from .failure import Exit
from .finding import find
from .mailing import Mailing, nobody
from .order_options import order_options
from .window import Window, at_window
from .wording import count, rough, size

_SHOWN = 20  #: findings of each check
_PATIENCE = 2.0  #: seconds that the daemon has to say how it is
_MARKS = {Severity.BROKEN: ("✗", "X"), Severity.ATTENTION: ("!", "!"), Severity.ADVICE: ("·", "-")}
_STYLES = {Severity.BROKEN: "red", Severity.ATTENTION: "yellow", Severity.ADVICE: "dim"}
_FINE = ("✓", "+")


@click.command(short_help="Look for what is wrong in a database and around it, and mend it.")
@click.option("--repair", "repairs", is_flag=True, help="Have the daemon derive anew what can be derived.")
@click.option("--instance", "id", metavar="ID", help="Look at this instance only.")
@order_options
@at_window
async def doctor(window: Window, repairs: bool, id: str | None, **given: Any) -> Exit:
    """Look for what is wrong in a database and around it, and say what mends it. A daemon may work meanwhile.

    Exit code 0: nothing but advice was found; 5: something somebody should see to.

    \b
      bureaucrat doctor
      bureaucrat doctor --instance 1017
      bureaucrat doctor --repair --reason "after the crash"
    """
    started = monotonic()
    report, vitals = await (_of_all(window) if id is None else _of_one(window, id))
    took = monotonic() - started
    mended = await _mend(window, report, given) if repairs else {}
    if window.is_json:
        window.json(_json(report, mended))
    else:
        _tell(window, report, vitals, took)
        _tell_mended(window, mended, given)
    if any(outcome == "done" for outcome, _ in mended.values()):
        report, _ = await (_of_all(window) if id is None else _of_one(window, id))
        if not window.is_json:
            left = count(report.numbers.total(), "finding")
            window.line("looked again: " + ("sound" if report.is_sound else f"{left}   {window.command('doctor')}"))
    return Exit.OK if report.is_sound else Exit.FINDINGS


async def _of_all(window: Window) -> tuple[Report, Vitals]:
    storage = window.storage
    vitals = await storage.examine()
    limits = Limits() if window.config is None else step_limits(window.config.bureaucrat, window.config.limits)
    round = Round(storage, window.definitions, window.clock, limits, window.bounds, vitals.daemons != 0)
    health = await asyncio.to_thread(_health, window)
    for finding in (await _surroundings(window, vitals, health)).all():
        round.report.add(finding)
    if window.output.is_terminal and not window.is_json:
        with window.output.console.status("looking") as status:
            return await round.all(lambda done, total: status.update(f"{done:,} of {total:,} instances")), vitals
    return await round.all(), vitals


async def _of_one(window: Window, id: str) -> tuple[Report, None]:
    row = await find(window, id)
    limits = Limits() if window.config is None else step_limits(window.config.bureaucrat, window.config.limits)
    return await Round(window.storage, window.definitions, window.clock, limits, window.bounds, True).one(row.id), None


async def _surroundings(window: Window, vitals: Vitals, health: Health | None) -> Surroundings:
    unfinished, newest, time = 0, None, None
    try:
        time = await window.storage.time()
        unfinished = await window.storage.number_of(InstanceQuery(unfinished=True))
        rows = await window.storage.instances(InstanceQuery(limit=1))
        newest = rows[0].started if rows else None
    except StorageUnavailable:
        pass  # the round says so
    return Surroundings(vitals, window.clock.now(), unfinished, newest, time, health, window.config)


def _health(window: Window) -> Health | None:
    """What the daemon of these settings says of itself."""
    if window.config is None or window.config.health.listen is None:
        return None
    place = str(window.config.health.listen)
    try:
        with urllib.request.urlopen(f"http://{place}/ready", timeout=_PATIENCE) as answer:
            document = json.loads(answer.read())
    except urllib.error.HTTPError as error:  # 503: it is not ready, and says why
        document = json.loads(error.read())
    except (OSError, ValueError):
        return Health(place, is_there=False)
    return Health(place, True, [str(reason) for reason in document.get("reasons", [])])


# -- what is told


def _tell(window: Window, report: Report, vitals: Vitals | None, took: float) -> None:
    fine = _FINE[window.output.is_ascii]
    if vitals is not None and "database" not in report.findings:
        what = f"{vitals.technology}, {vitals.place}, schema {vitals.schema}, {size(vitals.size)}"
        window.line(f"{fine} database   {what}; {count(report.instances, 'instance')}")
    for check, title in CHECKS.items():
        findings = report.findings.get(check)
        if findings:
            _tell_check(window, f"{title}: not so", findings, report.numbers[check])
    others = len(CHECKS) - len(report.findings) - (vitals is not None and "database" not in report.findings)
    replayed = f", {count(report.replayed, 'history', 'histories')} applied again" if report.replayed else ""
    kinds = Counter(one.severity for one in report.all)
    found = ", ".join(f"{kinds[one]:,} {one.value}" for one in Severity if kinds[one])
    window.line(f"{fine} {count(others, 'other check')}, {rough(took)}{replayed}          {found or 'sound'}")


def _tell_check(window: Window, title: str, findings: list[Finding], number: int) -> None:
    worst = min((one.severity for one in findings), key=list(Severity).index)
    mark = _MARKS[worst][window.output.is_ascii]
    window.line(f"{mark} {findings[0].check:<10} {title}", _STYLES[worst])
    for one in findings[:_SHOWN]:
        window.line(f"    {one.instance + ': ' if one.instance else ''}{one.text}")
        for line in remedies(window, one):
            window.line(f"      {line}")
    if number > _SHOWN:
        window.line(f"    {number - _SHOWN:,} more   {window.command('doctor', '--json')}")


def remedies(window: Window, finding: Finding) -> list[str]:
    """What mends it, a line each."""
    found = []
    for one in finding.remedies:
        if finding.is_mendable and not one.arguments:
            found.append(f"{window.command('doctor', '--repair')}   {one.says}")
        else:
            command = window.command(*one.arguments) if one.arguments else ""
            found.append("   ".join(part for part in (command, one.says) if part))
    return found


def _json(report: Report, mended: dict[str, tuple[str, str]]) -> dict[str, Any]:
    findings = [
        {
            "check": one.check,
            "severity": one.severity.value,
            "instance": one.instance or None,
            "text": one.text,
            "commands": [list(remedy.arguments) for remedy in one.remedies if remedy.arguments],
            "advice": [remedy.says for remedy in one.remedies if not remedy.arguments],
            "mendable": one.is_mendable,
        }
        for one in report.all
    ]
    orders = [{"instance": id, "outcome": outcome, "answer": answer} for id, (outcome, answer) in mended.items()]
    numbers = {check: report.numbers[check] for check in CHECKS}
    return {
        "sound": report.is_sound,
        "instances": report.instances,
        "replayed": report.replayed,
        "checks": numbers,
        "findings": findings,
        "orders": orders,
    }


# -- what is mended


async def _mend(window: Window, report: Report, given: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Leave an order for each instance of which something can be mended; what came of each."""
    wanted: dict[str, bool] = {}
    for one in report.all:
        if one.is_mendable:
            wanted[one.instance] = wanted.get(one.instance, False) or one.resends
    mailing = Mailing(window)
    numbers = {
        await mailing.post(id, Mend(given["person"], resends, given["reason"])): id for id, resends in wanted.items()
    }
    found = {} if given["is_hasty"] else await mailing.outcomes(list(numbers), given["timeout"])
    return {
        id: (found[number].outcome, found[number].answer) if number in found else ("waiting", "")
        for number, id in numbers.items()
    }


def _tell_mended(window: Window, mended: dict[str, tuple[str, str]], given: dict[str, Any]) -> None:
    outcomes = Counter(outcome for outcome, _ in mended.values())
    for id, (outcome, answer) in mended.items():
        if outcome != "waiting":
            window.line(f"{id}: {'mended' if outcome == 'done' else outcome}: {answer}")
    if outcomes["waiting"] and not given["is_hasty"]:
        window.line(nobody(outcomes["waiting"], given["timeout"]))
    if outcomes["waiting"]:
        window.line(f"see what comes of it   {window.command('audit')}")
