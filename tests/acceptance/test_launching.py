"""Instances started by a program and from the command line, on the daemon as it runs."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from service import MESSAGE, Client, Service, until

from bureaucrat.config import Bureaucrat
from bureaucrat.launcher import InstanceCanceled, InstanceFaulted, Launcher, LaunchRefused

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "processes" / "example1.xml"
CALLED = (
    '<process name="called"><action participant="participant2"/><assign property="answer">"fine"</assign></process>'
)


@pytest.fixture(scope="module")
def launcher(service: Service) -> Iterator[Launcher]:
    """One that was given the original's keys."""
    parts = urlsplit(service.url)
    keys = {"host": parts.hostname, "port": parts.port, "user": "guest", "passwd": "guest", "vhost": parts.path[1:]}
    with Launcher({**keys, "launcher_routing_key": "bureaucrat", "launcher_exchange": ""}) as made:
        yield made


def play(client: Client) -> list[str]:
    """Be the participants of example1 in its order; the addresses of the attempts. Its loop has one turn."""
    seen = []
    for number in "1221222122":
        attempt = client.attempt(f"participant{number}")
        seen.append(attempt.header["target"].partition("_")[2])
        attempt.answer(**({"counter": 4, "some_process": CALLED} if number == "1" else {}))
    return seen


TRACE = ["0_0", "0_1", "0_2_1_0", "1_0", "1_1", "2_0", "2_0", "3_0", "3_1", "0"]


def test_a_program_launches_the_example_by_its_path(client: Client, launcher: Launcher) -> None:
    """B-105, B-106, B-110: path and fields, as the README of the original has it; then its result."""
    instance = launcher.launch(str(EXAMPLE), {"greeting": "hi", "number": 2000})
    assert play(client) == TRACE
    result = launcher.result(instance)

    assert (result.instance, result.process, result.outcome) == (instance, "example1", "completed")
    assert result.fields["greeting"] == "hi"
    assert (result.fields["answered"], result.fields["lengths"]) == ("fine", [5, 7])
    assert launcher.status(instance).status == "completed"


def test_a_program_that_knows_the_config_file_waits_while_others_work(service: Service, client: Client) -> None:
    """The result comes as soon as the instance ends."""
    with Launcher(service.config) as launcher:
        instance = launcher.launch('<process name="p"><action participant="side"/></process>', id="side-1")
        results = []
        waiting = threading.Thread(target=lambda: results.append(launcher.result(instance)))
        waiting.start()
        client.attempt("side").answer(a=1)
        waiting.join(30)

    assert (instance, [one.fields for one in results]) == ("side-1", [{"a": 1}])


def test_a_program_is_told_of_every_other_end(launcher: Launcher, client: Client) -> None:
    faulted = launcher.launch('<process name="p"><fault code="Bad" message="very"/></process>')
    with pytest.raises(InstanceFaulted) as fault:
        launcher.result(faulted)
    canceled = launcher.launch('<process name="p"><delay duration="1h"/></process>')
    launcher.cancel(canceled, "nobody wants it")
    with pytest.raises(InstanceCanceled):
        launcher.result(canceled)
    launched = launcher.launch(process="nobody knows it")
    with pytest.raises(LaunchRefused, match="no process named 'nobody knows it'"):
        launcher.result(launched)

    assert (fault.value.code, fault.value.message) == ("Bad", "very")


def test_a_program_reports_an_event(launcher: Launcher) -> None:
    """B-040: its keywords are the body."""
    text = '<process name="p"><await event="paid" key="n" equals="7" property="found"/></process>'
    instance = launcher.launch(text)
    until(lambda: launcher.status(instance).known, "it has started: they come through different queues")
    launcher.event("paid", n=7, by="card")

    assert launcher.result(instance).fields["found"] == {"n": 7, "by": "card"}


def run(service: Service, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bureaucrat", *arguments, "-c", str(service.config)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_definition_is_launched_and_an_event_reported_from_the_command_line(service: Service, client: Client) -> None:
    """B-107, B-108: what ``sendproc.py`` and ``fakeevent.py`` were for."""
    definition = service.folder / "sent.xml"
    definition.write_text('<process name="p"><await event="fake_event_name" since="start" property="found"/></process>')

    launched = run(service, "launch", str(definition), "--id", "sent-1", "--json")
    until(lambda: service.rows("SELECT 1 FROM waits WHERE instance = 'sent-1' AND fresh = 0"), "it waits")
    reported = run(service, "event", "fake_event_name", "other_data=some data", "--json")

    assert (launched.returncode, reported.returncode) == (0, 0), launched.stderr + reported.stderr
    assert "sent-1" in json.loads(launched.stdout).values()
    assert client.ended("sent-1")["fields"]["found"] == {"other_data": "some data"}


@pytest.mark.parametrize("content", [None, "", "<process>"], ids=["missing", "empty", "broken"])
def test_a_file_that_is_no_definition_is_not_sent(service: Service, client: Client, content: str | None) -> None:
    """B-107: told at once, with the exit code of a bad definition."""
    definition = service.folder / "bad.xml"
    definition.unlink(missing_ok=True)
    if content is not None:
        definition.write_text(content)

    said = run(service, "launch", str(definition))

    assert said.returncode == 2
    assert "bad.xml" in said.stdout + said.stderr


def test_the_settings_of_taskqueue_fit_those_of_the_daemon() -> None:
    """B-110, T-006: the example file names the daemon's queue and a format that it reads."""
    example = ConfigParser()
    example.read(ROOT / "examples" / "taskqueue.ini")
    section = dict(example["taskqueue"])

    assert section == {
        "workers": "participant1, participant2",
        "results_routing_key": Bureaucrat().message_queue,
        "default_workitem_type": MESSAGE,
    }
