"""docs/commands.rst: each of its commands prints what stands below it, one after another, beside a running engine."""

from __future__ import annotations

import re
import shlex
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from io import StringIO
from pathlib import Path

import pytest
from command_shell import ROOT
from operated import NOON, Office

from bureaucrat.ports import DeadRow, DestinationRow

PAGE = ROOT / "docs" / "commands.rst"
ORDERS = {
    key: f"0199aaaa0000{letter * 4}0000000000000000" for key, letter in zip(range(1017, 1021), "abcd", strict=True)
}


@pytest.fixture(autouse=True)
def _place_and_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder with the page's file; the page's times are those of London in winter."""
    (tmp_path / "story.txt").write_text(blocks("text")[0], encoding="utf-8")
    names = re.findall(r":name: (\S+\.xml)", PAGE.read_text("utf-8"))
    for name, text in zip(names, blocks("xml"), strict=True):
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def blocks(language: str) -> list[str]:
    """The blocks of a language."""
    found = re.findall(rf"\.\. code-block:: {language}\n(?: +:\w+:.*\n)*\n((?:    .*\n|\n)+)", PAGE.read_text("utf-8"))
    return [re.sub("^    ", "", block, flags=re.MULTILINE).strip("\n") for block in found]


def text_of(script: str) -> str:
    """What a command reads: a file, if it is given one."""
    return Path(script).read_text(encoding="utf-8") if script else ""


def told() -> list[tuple[str, str, int]]:
    """Each command with what it prints and its exit code."""
    found: list[tuple[str, str, int]] = []
    for line in "\n".join(blocks("console")).splitlines():
        if line.startswith("$ "):
            found.append((line[2:], "", 0))
        elif line.startswith("# exit code "):
            found[-1] = (*found[-1][:2], int(line.rpartition(" ")[2]))
        else:
            found[-1] = (found[-1][0], found[-1][1] + line + "\n", found[-1][2])
    return found


async def prepared(office: Office) -> None:
    """What the page says about its orders."""
    source = blocks("xml")[0]
    await office.open()
    for key, id in ORDERS.items():
        await office.start(source, id, str(key), order_id=str(key))
        if key != 1019:
            await office.answer(id)
    await office.engine_event("payment.authorized", order_id="1018")
    for _ in range(3):
        await office.answer(ORDERS[1018], status="error", error="carrier: 503")
        await office.later(30)
        await office.fire()
    body = b'{"name": "response", "target": "0199aaaa0000eeee0000000000000000_0"}'
    letter = DeadRow(7, NOON, "bureaucrat_msgs", "no instance has this id", "m7", body, sha256(body).hexdigest())
    silent = DestinationRow("worker_reserve_stock", 0, 1, office.clock.now(), NOON)
    await office.write(dead=[letter], destinations=[silent])
    office.run()


async def test_every_command_prints_what_stands_below_it(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUREAUCRAT_STORAGE_URL", "sqlite:///b.db")
    await prepared(office)
    page = told()

    said = []
    for command, _, _ in page:
        typed, _, script = command.partition(" < ")
        program, *arguments = shlex.split(typed)
        assert program == "bureaucrat"
        monkeypatch.setattr(sys, "stdin", StringIO(text_of(script)))
        one = await office.command(*arguments)
        await office.taken()
        await office.later(1)
        said.append((command, one.out + one.err, one.code))

    assert list(map(anonymous, said)) == list(map(anonymous, page))


def anonymous(said: tuple[str, str, int]) -> tuple[str, str, int]:
    """The same without the ids of instances that were started at an instant which nobody knows before."""
    known = ORDERS.values()
    return said[0], re.sub(r"[0-9a-f]{32}", lambda id: id[0] if id[0] in known else "ID", said[1]), said[2]


def test_every_command_and_option_is_on_the_page() -> None:
    """Whoever adds one says what it does."""
    from bureaucrat.commands.audit import audit
    from bureaucrat.commands.dead import dead
    from bureaucrat.commands.definitions import definitions
    from bureaucrat.commands.deploy import deploy, undeploy
    from bureaucrat.commands.event import event
    from bureaucrat.commands.graph import graph
    from bureaucrat.commands.launch import launch
    from bureaucrat.commands.ordering import cancel, resume, retry, set_, skip, suspend
    from bureaucrat.commands.participants import participants
    from bureaucrat.commands.ps import ps
    from bureaucrat.commands.schedules import schedules
    from bureaucrat.commands.show import show
    from bureaucrat.commands.simulate import simulate

    text = PAGE.read_text(encoding="utf-8")
    commands = [
        audit,
        definitions,
        deploy,
        undeploy,
        event,
        graph,
        launch,
        cancel,
        resume,
        retry,
        set_,
        skip,
        suspend,
        ps,
        show,
        simulate,
        *dead.commands.values(),
        *schedules.commands.values(),
        *participants.commands.values(),
    ]

    options = {option for command in commands for one in command.params for option in one.opts if option[:2] == "--"}
    assert sorted(option for option in options - {"--message-id", "--outcome"} if option not in text) == ["--config"]
    assert [one.name for one in commands if str(one.name) not in text] == []
