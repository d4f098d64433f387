"""Processes that are registered by name: which version a name means, and who may take a number (L82)."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import msgspec
import pytest
from courier import LAUNCHES, Office
from test_desk import ordered
from world import FaultyBatch

from bureaucrat.definition.reader import read
from bureaucrat.engine.orders import Deploy, Undeploy
from bureaucrat.ports import AuditRow, VersionRow

ONE = '<process name="order"><assign property="n">1</assign></process>'
SAME = '<process   name="order"><!-- again --><assign property="n">1</assign></process>'
TWO = '<process name="order"><assign property="n">2</assign></process>'
BILL = '<process name="bill"/>'


def deploying(*texts: str, version: int | None = None) -> Deploy:
    return Deploy("bea", {f"{number}.xml": text for number, text in enumerate(texts)}, version, "it is time")


async def registered(office: Office, *steps: Deploy | Undeploy) -> list[str]:
    """What came of some orders, one after the other."""
    await office.run()
    return [_told(await ordered(office, step, number=900 + number)) for number, step in enumerate(steps)]


def _told(row: AuditRow) -> str:
    return row.answer if row.outcome == "done" else f"{row.outcome}: {row.answer}"


async def versions(office: Office) -> list[str]:
    rows = await office.storage.versions()
    return [f"{row.name}@{row.version}{' retired' * row.retired}" for row in rows]


async def test_a_definition_is_registered_with_the_next_version(office: Office) -> None:
    told = await registered(office, deploying(ONE), deploying(TWO))

    assert told == ["order@1 deployed", "order@2 deployed"]
    kept = [replace(row, deployed=0.0) for row in await office.storage.versions()]
    assert kept == [VersionRow("order", n, read(text).hash, 0.0, "bea") for n, text in ((1, ONE), (2, TWO))]
    assert (await office.storage.definition(read(TWO).hash)).source == TWO


@pytest.mark.parametrize(
    ("steps", "told", "there"),
    [
        ([deploying(ONE), deploying(SAME)], "order@1 is the same already", ["order@1"]),
        ([deploying(ONE), deploying(SAME, version=1)], "order@1 is the same already", ["order@1"]),
        (
            [deploying(ONE), deploying(TWO, version=1)],
            "refused: 0.xml: version 1 of the process 'order' has other content; give another number",
            ["order@1"],
        ),
        (
            [deploying(ONE), deploying(TWO, version=7), deploying(ONE)],
            "order@8 deployed",
            ["order@1", "order@7", "order@8"],
        ),
        ([deploying(TWO, version=7), deploying(ONE, version=3)], "order@3 deployed", ["order@3", "order@7"]),
        ([deploying(ONE), Undeploy("bea", "order"), deploying(SAME)], "order@1 deployed again", ["order@1"]),
        (
            [deploying(ONE), deploying(TWO), Undeploy("bea", "order", 2), deploying(ONE)],
            "order@3 deployed",
            ["order@1", "order@2 retired", "order@3"],
        ),
        ([deploying(ONE), Undeploy("bea", "order", 1)], "order@1 undeployed", ["order@1 retired"]),
        (
            [deploying(ONE), deploying(TWO), Undeploy("bea", "order", 1), Undeploy("bea", "order")],
            "order@1 was undeployed before\norder@2 undeployed",
            ["order@1 retired", "order@2 retired"],
        ),
        (
            [deploying(ONE), Undeploy("bea", "ordr")],
            "refused: no process named 'ordr' is registered; did you mean order?",
            ["order@1"],
        ),
        (
            [deploying(ONE), Undeploy("bea", "order", 2)],
            "refused: there is no version 2 of the process 'order'; it has 1",
            ["order@1"],
        ),
        (
            [deploying(ONE, version=999_999_999), deploying(TWO)],
            "refused: 0.xml: the process 'order' has the highest version there can be",
            ["order@999999999"],
        ),
        (
            [deploying(ONE, version=1_000_000_000)],
            "refused: a version is a whole number from 1 to 999,999,999, not 1000000000",
            [],
        ),
    ],
)
async def test_what_comes_of_registering_follows_from_what_is_there(
    office: Office, steps: list[Deploy | Undeploy], told: str, there: list[str]
) -> None:
    answers = await registered(office, *steps)

    assert answers[-1] == told
    assert await versions(office) == there


async def test_several_definitions_are_registered_together(office: Office) -> None:
    assert await registered(office, deploying(ONE, BILL)) == ["order@1 deployed\nbill@1 deployed"]


@pytest.mark.parametrize(
    ("texts", "problems"),
    [
        (
            ["<process/>", '<process name="a b"/>', f'<process name="{"x" * 201}"/>', BILL],
            [
                '0.xml: <process> has no name to be found by: write <process name="…">',
                "1.xml: the name 'a b' of the process contains white space, a control character or @, or begins with "
                "$ or =: nobody could call it; choose another",
                "2.xml: the name of the process has 201 characters; 200 are allowed",
            ],
        ),
        ([BILL, ONE, TWO], ["2.xml: the process 'order' is in 1.xml, too; a name is given once"]),
        (
            [BILL, "<process><nothing/></process>", "<process name='x'>\n<exit scope='y'/></process>"],
            [
                "1.xml:1: unknown element <nothing>; no element has a name like this; remove it",
                '2.xml:2: scope="y" names no activity; no activity around it has an id',
            ],
        ),
    ],
)
async def test_if_one_definition_cannot_be_registered_none_is_and_all_problems_are_told(
    office: Office, texts: list[str], problems: list[str]
) -> None:
    (told,) = await registered(office, deploying(*texts))

    assert told.removeprefix("refused: ").splitlines() == problems
    assert await versions(office) == []


@pytest.mark.parametrize("name", ["order@2", "$order", "=order", "or\x85der"])
async def test_a_name_that_no_call_could_write_is_refused(office: Office, name: str) -> None:
    (told,) = await registered(office, deploying(f'<process name="{name}"/>'))

    assert told.startswith("refused: 0.xml: the name ")


async def test_what_was_decided_before_a_refusal_is_not_written(office: Office) -> None:
    steps = deploying(ONE), deploying(BILL, TWO, version=1)

    told = await registered(office, *steps)

    assert told[1] == "refused: 1.xml: version 1 of the process 'order' has other content; give another number"
    assert await versions(office) == ["order@1"]


@pytest.mark.parametrize(
    ("order", "told", "there"),
    [
        (deploying(TWO), "order@3 deployed", ["order@1", "order@2", "order@3"]),
        (
            deploying(TWO, version=2),
            "refused: 0.xml: version 2 of the process 'order' has other content; give another number",
            ["order@1", "order@2"],
        ),
    ],
)
async def test_of_two_daemons_that_give_one_version_the_second_decides_anew(
    office: Office, order: Deploy, told: str, there: list[str]
) -> None:
    await registered(office, deploying(ONE))
    begin = office.storage.batch

    def batch() -> FaultyBatch:
        """The other daemon has decided, too, and commits first."""
        if not office.engine._mailroom._desk.is_idle:
            office.storage._tables.versions.add(VersionRow("order", 2, "other", 1.0, "al"))
        return begin()

    office.storage.batch = batch

    row = await ordered(office, order, number=950)

    assert (_told(row), await versions(office)) == (told, there)


async def test_the_audit_log_keeps_digests_of_the_texts(office: Office) -> None:
    await office.run()

    row = await ordered(office, deploying(ONE))

    assert (row.command, row.instance, row.reason) == ("deploy", "", "it is time")
    detail = msgspec.json.decode(row.detail)
    assert detail["files"] == {"0.xml": sha256(ONE.encode()).hexdigest()}


# -- launches by name


async def launched(office: Office, body: bytes, id: str = "a") -> str | None:
    """Which definition a launch has started."""
    await office.settled(office.courier.launch_body(None, body, id))
    row = await office.storage.instance(id)
    return None if row is None else row.definition


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"process": "order"}', TWO),
        (b'{"process": "order", "version": 1}', ONE),
        (b'{"process": "order@1"}', ONE),
    ],
)
async def test_a_process_is_launched_by_its_name(office: Office, body: bytes, text: str) -> None:
    await registered(office, deploying(ONE), deploying(TWO))

    assert await launched(office, body) == read(text).hash


async def test_a_version_that_is_retired_starts_nothing_and_the_one_before_it_is_the_newest(office: Office) -> None:
    await registered(office, deploying(ONE), deploying(TWO), Undeploy("bea", "order", 2))

    assert await launched(office, b'{"process": "order"}') == read(ONE).hash
    assert await launched(office, b'{"process": "order", "version": 2}', "b") is None
    assert await office.letters() == [(LAUNCHES, "b", "version 2 of the process 'order' was undeployed; it has 1")]


async def test_an_instance_goes_on_with_its_version_after_another_was_deployed(office: Office) -> None:
    waits = '<process name="order"><action participant="work"/></process>'
    await registered(office, deploying(waits))
    await launched(office, b'{"process": "order"}')
    (sent,) = await office.sent(1)
    assert [await office.rows("versions")] == [{"versions": 1}]
    await ordered(office, Undeploy("bea", "order"), number=950)
    await ordered(office, deploying(TWO), number=951)

    await office.settled(office.courier.answer(sent, x=1))

    row = await office.storage.instance("a")
    assert (row.status, row.definition) == ("completed", read(waits).hash)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"process": "ordr"}', "no process named 'ordr' is registered; did you mean order?"),
        (b'{"process": "thing"}', "no process named 'thing' is registered; deploy it"),
        (b'{"process": "order", "version": 3}', "there is no version 3 of the process 'order'; it has 1"),
        (b'{"process": "order@0"}', "no process named 'order@0' is registered; did you mean order?"),
        (b'{"process": "bill"}', "every version of the process 'bill' was undeployed; deploy it again"),
        (b'{"process": "bill", "version": 1}', "version 1 of the process 'bill' was undeployed; it has none"),
    ],
)
async def test_a_launch_of_what_is_not_registered_is_a_dead_letter_that_says_what_is(
    office: Office, body: bytes, reason: str
) -> None:
    await registered(office, deploying(ONE, BILL), Undeploy("bea", "bill"))

    assert await launched(office, body) is None
    assert await office.letters() == [(LAUNCHES, "a", reason)]


async def test_the_queues_of_a_registered_process_are_known_when_it_is_deployed(office: Office) -> None:
    await registered(office, deploying('<process name="p"><action participant="work"/></process>'))

    assert office.courier.learned == [(["work"], [])]


async def test_a_registered_process_is_there_after_a_restart(office: Office) -> None:
    await registered(office, deploying(ONE))
    await office.restart()

    assert await launched(office, b'{"process": "order"}') == read(ONE).hash
