"""``bureaucrat deploy``, ``definitions`` and ``undeploy``."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from operated import Office, Said

from bureaucrat.definition.reader import read

ME = ("--who", "bea@desk")
ONE = '<process name="order"><action participant="work"/></process>'
TWO = '<process name="order"><action id="new" participant="work"/></process>'
BILL = '<process name="bill"/>'


def write(**texts: str) -> None:
    """Files in the folder of the test."""
    for name, text in texts.items():
        Path(f"{name}.xml").write_text(text, encoding="utf-8")


async def opened(office: Office, **texts: str) -> None:
    write(**texts)
    await office.open()
    office.run()


async def says(office: Office, *arguments: str) -> Said:
    """What a command says, a second later."""
    await office.later(1)
    return await office.says(*arguments)


async def test_deploy_says_which_version_it_has_made(office: Office) -> None:
    await opened(office, order=ONE)

    first = await says(office, "deploy", "order.xml", *ME, "--reason", "release 17")
    write(order=TWO)
    second = await says(office, "deploy", "order.xml", *ME)
    again = await says(office, "deploy", "order.xml", *ME)

    see = "see   bureaucrat definitions --db b.db\n"
    assert [(said.code, said.out) for said in (first, second, again)] == [
        (0, "order@1 deployed\n" + see),
        (0, "order@2 deployed\n" + see),
        (0, "order@2 is the same already\n" + see),
    ]
    kept = (await office.storage.audits())[-1]
    assert (kept.who, kept.command, kept.instance, kept.reason) == ("bea@desk", "deploy", "", "release 17")


async def test_a_folder_is_deployed_with_all_that_is_in_it(office: Office) -> None:
    await opened(office, order=ONE, bill=BILL)

    said = await says(office, "deploy", ".", "--version", "7", "--json")

    (kept,) = await office.storage.audits()
    assert said.json == {
        "order": kept.number,
        "outcome": "done",
        "answer": "bill@7 deployed\norder@7 deployed",
        "versions": ["bill@7", "order@7"],
        "warnings": [],
    }


async def test_warnings_are_shown_and_stop_nothing(office: Office) -> None:
    """The first three; ``bureaucrat lint`` shows them all."""
    await opened(office, order='<process name="order">' + '<await event="e"/>\n' * 5 + "</process>")

    said = await says(office, "deploy", "order.xml")
    again = await says(office, "deploy", "order.xml", "--json")

    warning = "if the event never comes, this waits for ever and nobody is told: give it a timeout"
    lines = said.out.splitlines()
    assert said.code == 0
    assert [line[: len("order.xml:1:23  warning BX511  ") + len(warning)] for line in lines[:3]] == [
        f"order.xml:1:23  warning BX511  {warning}",
        f"order.xml:2:1  warning BX511  {warning}="[:-1] + "=",
        f"order.xml:3:1  warning BX511  {warning}=",
    ]
    assert lines[3:] == [
        "2 more warnings   bureaucrat lint order.xml",
        "order@1 deployed",
        "see   bureaucrat definitions --db b.db",
    ]
    assert [text[:14] for text in again.json["warnings"]] == [f"order.xml:{line}: i" for line in range(1, 6)]


async def test_a_version_that_has_other_content_is_refused_with_nothing_changed(office: Office) -> None:
    await opened(office, order=ONE, bill=BILL)
    await says(office, "deploy", "order.xml")
    write(order=TWO)

    said = await says(office, "deploy", "bill.xml", "order.xml", "--version", "1")

    assert (said.code, said.out) == (
        4,
        "refused, and nothing was changed:\n"
        "order.xml: version 1 of the process 'order' has other content; give another number\n",
    )
    assert [row.name for row in await office.storage.versions()] == ["order"]


async def test_every_problem_of_every_file_is_told_before_anything_is_asked_for(office: Office) -> None:
    await opened(office, a='<process name="a">\n<nothing/></process>', b="<process/>", c=BILL, d="<process")

    said = await says(office, "deploy", "a.xml", "b.xml", "c.xml", "d.xml")

    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines() == [
        "bureaucrat: nothing was deployed: 3 problems",
        "  a.xml:2:1  error   BX301  unknown element <nothing>; no element has a name like this; remove it",
        "         2 | <nothing/></process>",
        "             ^",
        "  d.xml:1:1  error   BX117  the document ends inside this tag: it is cut off, or a > is missing",
        "         1 | <process",
        "             ^",
        '  b.xml: <process> has no name to be found by: write <process name="…">',
        "  more   bureaucrat explain BX117",
    ]
    assert await office.storage.audits() == []


@pytest.mark.parametrize(
    ("file", "text"),
    [("ordr.xml", "there is no file ordr.xml"), (".", "there is no *.xml in .")],
)
async def test_what_is_no_file_is_told(office: Office, file: str, text: str) -> None:
    await opened(office)

    said = await says(office, "deploy", file)

    assert (said.code, said.err) == (2, f"bureaucrat: {text}\n")


async def test_definitions_lists_versions_with_what_runs_them(office: Office) -> None:
    write(order=ONE, bill=BILL)
    await office.open()
    for number in range(2):
        await office.start(ONE, f"{number:032x}")
    office.run()
    for text in (ONE, TWO, ONE):
        write(order=text)
        await says(office, "deploy", "order.xml", *ME)
    await says(office, "deploy", "bill.xml", *ME)
    await says(office, "undeploy", "order@2", *ME)

    said = await office.says("definitions")

    assert said.out.splitlines() == [
        "PROCESS  VERSION  DEPLOYED   BY        RUNNING  STATE",
        "bill     1        12:00:06Z  bea@desk  0        newest",
        "order    1        12:00:03Z  bea@desk  see 3",
        "order    2        12:00:04Z  bea@desk  0        undeployed",
        "order    3        12:00:05Z  bea@desk  2        newest",
    ]


async def test_definitions_for_programs(office: Office) -> None:
    await opened(office, order=ONE, bill=BILL)
    await says(office, "deploy", "order.xml", "bill.xml", *ME)

    said = await office.says("definitions", "order", "--json")

    (row,) = said.json["definitions"]
    assert row.pop("deployed").startswith("2026-11-25T12:00:0")
    assert row == {
        "name": "order",
        "version": 1,
        "definition": read(ONE).hash,
        "by": "bea@desk",
        "running": 0,
        "retired": False,
        "newest": True,
    }


async def test_a_process_that_is_not_registered_is_told_with_what_was_meant(office: Office) -> None:
    await opened(office, order=ONE)
    before = await office.says("definitions")
    none = await office.says("definitions", "ordr")
    await says(office, "deploy", "order.xml")

    said = await office.says("definitions", "ordr")

    assert before.out == "no process is registered yet\ndeploy   bureaucrat deploy FILE --db b.db\n"
    assert (none.code, none.err.splitlines()[1]) == (4, "  deploy   bureaucrat deploy FILE --db b.db")
    assert (said.code, said.err.splitlines()) == (
        4,
        [
            "bureaucrat: no process named 'ordr' is registered; did you mean order?",
            "  see   bureaucrat definitions --db b.db",
        ],
    )


async def test_undeploy_retires_a_version_or_all(office: Office) -> None:
    await opened(office, order=ONE)
    await says(office, "deploy", "order.xml")
    write(order=TWO)
    await says(office, "deploy", "order.xml")

    one, rest = await says(office, "undeploy", "order@2", *ME), await says(office, "undeploy", "order", *ME)
    wrong = await says(office, "undeploy", "order@3", *ME)

    see = "see   bureaucrat definitions --db b.db\n"
    assert (one.code, one.out) == (0, "order@2 undeployed\n" + see)
    assert (rest.code, rest.out) == (0, "order@1 undeployed\norder@2 was undeployed before\n" + see)
    assert (wrong.code, wrong.out.splitlines()[1]) == (4, "there is no version 3 of the process 'order'; it has none")


async def test_the_audit_log_names_the_files_and_the_process(office: Office) -> None:
    await opened(office, order=ONE, bill=BILL)
    await says(office, "deploy", "order.xml", "bill.xml", *ME)
    await says(office, "undeploy", "bill", *ME)

    said = await office.says("audit")

    assert [line.split()[2:4] for line in said.out.splitlines()[1:]] == [["undeploy", "bill"], ["deploy", "order.xml,"]]


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (("--no-wait",), 0, "asked   order "),
        (("--timeout", "0.1"), 1, "nobody took it in "),
    ],
)
async def test_an_order_that_nobody_took_yet_stays(
    office: Office, options: tuple[str, ...], code: int, text: str
) -> None:
    write(order=ONE)
    await office.open()

    said = await says(office, "deploy", "order.xml", *options)

    assert (said.code, said.out.splitlines()[0][: len(text)]) == (code, text)
    assert said.out.splitlines()[1] == "see what comes of it   bureaucrat audit --db b.db"
    office.run()
    async with asyncio.timeout(10):
        while not await office.storage.versions():
            pass  # each look takes a moment
