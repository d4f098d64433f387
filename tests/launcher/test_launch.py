"""``Launcher.launch``: what is sent, and what is refused before anything is (B-105, B-106)."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from fake_daemon import FakeDaemon, next_launch
from lxml import etree

from bureaucrat import InvalidDefinition
from bureaucrat.errors import Refused
from bureaucrat.launcher import Launcher, NoQueue
from bureaucrat.wire import LaunchRequest

XML = """<?xml version="1.0" encoding="UTF-8"?>
<!-- kept -->
<process name="order">
  <context>
    <property name="count" type="int">5</property>
    <property name="who" type="str" required="true"/>
  </context>
  <action participant="charge"/>
</process>
"""
BARE = '<process name="order"><action participant="charge"/></process>'
FIELDS = {"who": "Ann", "count": 7, "list": [1, {"a": None}], "ü": "\U0001f600"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "order.xml"
    path.write_text(XML, encoding="utf-8")
    return path


def test_a_definition_is_launched_with_fields(daemon: FakeDaemon, launcher: Launcher, file: Path) -> None:
    """B-106: a path, as in the original. The message is persistent, and its id is that of the instance."""
    id = launcher.launch(str(file), FIELDS)

    came = daemon.launches.get(timeout=20)
    assert came.content == LaunchRequest(id, XML, fields=FIELDS)
    assert len(id) == 32
    assert came.properties.content_type == "application/x-bureaucrat-launch"
    assert (came.properties.delivery_mode, came.properties.message_id) == (2, id)
    assert came.properties.timestamp > 1_700_000_000


@pytest.mark.parametrize("kind", ["path", "text", "bytes", "bytearray", "with a mark"])
def test_a_definition_is_sent_as_it_stands(daemon: FakeDaemon, launcher: Launcher, file: Path, kind: str) -> None:
    """B-106: fields are never written into it, so that a thousand launches are of one definition."""
    given: dict[str, Any] = {
        "path": file,
        "text": XML,
        "bytes": XML.encode(),
        "bytearray": bytearray(XML.encode()),
        "with a mark": b"\xef\xbb\xbf" + XML.encode(),
    }

    launcher.launch(given[kind], FIELDS)
    launcher.launch(given[kind], {"who": "Bob"})

    first, second = next_launch(daemon), next_launch(daemon)
    assert (first.definition, first.fields) == (XML, FIELDS)
    assert (second.definition, second.fields) == (XML, {"who": "Bob"})
    assert first.id != second.id


@pytest.mark.parametrize("library", [ElementTree, etree], ids=["standard library", "lxml"])
def test_an_element_is_launched(daemon: FakeDaemon, launcher: Launcher, library: Any) -> None:
    """Also one from the middle of a document, without the text behind it; and a whole tree."""
    element = library.fromstring(f"<all>{BARE} behind</all>")[0]

    launcher.launch(element)
    launcher.launch(library.ElementTree(element))

    assert next_launch(daemon).definition == BARE.replace('"/>', '" />' if library is ElementTree else '"/>')
    assert (next_launch(daemon).definition or "").startswith('<process name="order">')
    assert element.tail == " behind"


def test_a_process_is_launched_by_its_name(daemon: FakeDaemon, launcher: Launcher) -> None:
    """With a version and a business key, or without."""
    first = launcher.launch(process="order", version=3, business_key="1017", fields={"a": (1, 2)})
    second = launcher.launch(process="order")

    assert next_launch(daemon) == LaunchRequest(first, None, "order", 3, {"a": [1, 2]}, "1017")
    assert next_launch(daemon) == LaunchRequest(second, process="order")


def test_the_id_of_an_instance_can_be_chosen(daemon: FakeDaemon, launcher: Launcher) -> None:
    """What is no id of ours becomes its UUID, the same each time (L1)."""
    assert launcher.launch(BARE, id="order-1017") == "order-1017"
    replaced = launcher.launch(BARE, id="order 1017/é")

    assert replaced == uuid.uuid5(uuid.NAMESPACE_URL, "order 1017/é").hex
    assert launcher.launch(BARE, id="order 1017/é") == replaced
    assert [next_launch(daemon).id for _ in range(3)] == ["order-1017", replaced, replaced]


def test_a_bad_definition_is_refused_with_all_its_problems(daemon: FakeDaemon, launcher: Launcher) -> None:
    """Here, at once, and not as a dead letter; with the name of the file."""
    bad = "<process>\n<actoin/>\n<delay/>\n</process>"
    with pytest.raises(InvalidDefinition) as caught:
        launcher.launch(bad)

    assert [problem.line for problem in caught.value.problems] == [2, 2, 3]
    launcher.launch(BARE, id="the-next")
    assert next_launch(daemon).id == "the-next"


def test_a_file_that_is_not_there_is_told_by_its_name(launcher: Launcher, tmp_path: Path) -> None:
    """Nothing needs a broker for that."""
    for path in (tmp_path / "gone.xml", str(tmp_path / "gone.xml"), tmp_path / "gone"):
        with pytest.raises(FileNotFoundError, match="gone"):
            launcher.launch(path)
    (tmp_path / "bad").write_text("<process")
    with pytest.raises(InvalidDefinition, match=str(tmp_path / "bad")):
        launcher.launch(str(tmp_path / "bad"))


def _itself() -> dict[str, Any]:
    fields: dict[str, Any] = {}
    fields["a"] = fields
    return fields


def _deep() -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for _ in range(80):
        fields = {"a": fields}
    return fields


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"fields": {"a": {"b": [1, object()]}}}, "the fields are no JSON: a.b[1] is a object, which is no JSON"),
        ({"fields": {"a": float("nan")}}, "the fields are no JSON: a is nan, which JSON has no word for"),
        ({"fields": {"a": {7: 1}}}, "the fields are no JSON: a has the key 7, which is no text"),
        ({"fields": {"a": 2**63}}, "the fields are no JSON: a is an integer beyond 64 bits"),
        ({"fields": {"a": "\x00"}}, "the fields are no JSON: a contains a NUL character"),
        ({"fields": [1]}, "fields are a dict, not a list"),
        ({"fields": _itself()}, "the fields are no JSON: they contain themselves, or are nested too deeply"),
        ({"fields": _deep()}, "this cannot be launched: the body has more than 64 lists and objects in each other"),
        ({"fields": {"a": "x" * 2**24}}, "this cannot be launched: the body has 16,777,"),
        ({"process": "order"}, "this cannot be launched: both process and definition are given; one of them is"),
        ({"definition": None}, "this cannot be launched: neither process nor definition is given; one of them is"),
        ({"definition": None, "process": ""}, "this cannot be launched: process is empty; 1 to 255 bytes are expected"),
        ({"version": 1}, "this cannot be launched: version is given without process"),
        ({"business_key": "x" * 2000}, "this cannot be launched: business_key has 2,000 characters; 1,024 are allowed"),
        ({"definition": 7}, "a int is no definition; give the path of a file, XML as text or bytes, or an element"),
        (
            {"definition": "order"},
            "neither a file nor XML; a process that the daemon knows is launched by process=",
        ),
        ({"definition": "x" * 5000}, "the definition is neither a file nor XML; mend it"),
        ({"definition": "a\x00b"}, "the definition is neither a file nor XML; "),
        ({"definition": XML}, "process 'order' needs who; give every required property"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_what_cannot_be_launched_is_refused_before_it_is_sent(arguments: dict[str, Any], reason: str) -> None:
    """Each names the place. No broker is needed to find out."""
    with Launcher({"port": 1}) as launcher, pytest.raises(Refused) as caught:
        launcher.launch(**{"definition": BARE, **arguments})

    assert reason in str(caught.value)


def test_where_no_daemon_has_been_the_missing_queue_is_told(launcher: Launcher, vhost_url: str) -> None:
    """A message that nobody would ever take is not counted as sent."""
    with pytest.raises(
        NoQueue, match=r"there is no queue 'bureaucrat' on amqp://guest:\*\*\*@127.*was it started there"
    ):
        launcher.launch(BARE)
    with pytest.raises(NoQueue, match=r"no queue 'bureaucrat_events'"):
        launcher.event("x")
    with pytest.raises(NoQueue, match=r"no queue 'bureaucrat_msgs'"):
        launcher.cancel("x")
    for ask in (launcher.status, launcher.result):
        with pytest.raises(NoQueue, match=r"no queue 'bureaucrat_msgs'"):
            ask("x")
    with (
        Launcher({"url": vhost_url, "launcher_exchange": "amq.direct", "launcher_routing_key": "k"}) as other,
        pytest.raises(NoQueue, match=r"no queue bound to the exchange 'amq.direct' under 'k'"),
    ):
        other.launch(BARE)


def test_other_names_than_the_usual_can_be_set(vhost_url: str) -> None:
    """B-105: `launcher_routing_key`; and where questions and events go."""
    names = {"launcher_routing_key": "starts", "message_queue": "bureaucrat_msgs", "event_queue": "bureaucrat_events"}

    with FakeDaemon(vhost_url, ("starts",)) as daemon, Launcher({"url": vhost_url, **names}) as launcher:
        id = launcher.launch(BARE)
        assert next_launch(daemon).id == id
