"""``bureaucrat launch``: what it hands to the launcher, and what it says; the launcher itself has tests of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from counting_launcher import ID, Counter
from operated import Said
from operated_processes import ORDER

from bureaucrat import cli
from bureaucrat.commands.window import Surroundings
from bureaucrat.errors import Refused
from bureaucrat.launcher import InstanceCanceled, InstanceFaulted, LaunchRefused, NoQueue, NotYet, Result, Unconfirmed
from bureaucrat.wire import StatusAnswer


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def says(
    counter: Counter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Said]:
    """What the command says, in a folder with ``order.xml``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["bureaucrat"])
    (tmp_path / "order.xml").write_text(ORDER, encoding="utf-8")

    def make(config: str | None) -> Counter:
        counter.config = config
        return counter

    def run(*arguments: str) -> Said:
        code = cli.main(["launch", *arguments], surroundings=Surroundings(launcher=make))
        return Said(code, *capsys.readouterr())

    return run


def test_a_definition_is_launched_with_fields_of_the_declared_types(
    says: Callable[..., Said], counter: Counter
) -> None:
    said = says("order.xml", "-f", "order_id=1017", "-f", "n:int=5")

    assert counter.launched == [(ORDER, {"order_id": "1017", "n": 5}, {})]
    assert counter.config is None
    assert (said.code, said.out.splitlines()) == (
        0,
        [f"instance {ID} is with the broker; the daemon starts it", f"look   bureaucrat show {ID}"],
    )


def test_a_process_is_launched_by_its_name(says: Callable[..., Said], counter: Counter) -> None:
    said = says(
        "order", "-f", "n:int=5", "--version", "3", "--id", "o-1", "--key", "1017", "-c", "config.ini", "--json"
    )

    given = {"process": "order", "version": 3, "id": "o-1", "business_key": "1017"}
    assert counter.launched == [(None, {"n": 5}, given)]
    assert (counter.config, said.json) == ("config.ini", {"id": "o-1"})


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (("order@3",), {"process": "order", "version": 3}),
        (("order@3", "--version", "3"), {"process": "order", "version": 3}),
        (("order",), {"process": "order"}),
        (("folder",), {"process": "folder"}),
    ],
)
def test_a_version_stands_behind_the_name_or_beside_it(
    says: Callable[..., Said], counter: Counter, tmp_path: Path, words: tuple[str, ...], given: dict[str, object]
) -> None:
    (tmp_path / "folder").mkdir()

    said = says(*words)

    assert (said.code, counter.launched) == (0, [(None, {}, given)])


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("order@3", "--version", "4"), "which version, 3 or 4? Give it once"),
        (
            ("order.xml", "--version", "4"),
            "order.xml is a file; --version is for a process that is launched by its name",
        ),
    ],
)
def test_a_version_that_cannot_be_meant_is_told(
    says: Callable[..., Said], counter: Counter, words: tuple[str, ...], error: str
) -> None:
    said = says(*words)

    assert (said.code, said.err, counter.launched) == (2, f"bureaucrat: {error}\n", [])


def test_the_next_command_has_the_same_settings(says: Callable[..., Said]) -> None:
    said = says("order", "-c", "config.ini")

    assert said.out.splitlines()[1] == f"look   bureaucrat show {ID} -c config.ini"


@pytest.mark.parametrize(("started", "took"), [(1.0, " in 2.5 s"), (None, "")])
def test_the_result_is_waited_for_and_shown(
    says: Callable[..., Said], counter: Counter, started: float | None, took: str
) -> None:
    counter.answer = Result(ID, "shipped", {"parcel": "DHL-1"}, started=started, ended=3.5)

    said = says("order", "--wait", "--timeout", "2m")

    assert said.out.splitlines() == [
        f"instance {ID} is with the broker; waiting for its end",
        f"completed{took}, outcome shipped",
        'fields {"parcel": "DHL-1"}',
    ]
    assert (said.code, counter.waited) == (0, [(ID, 120.0)])


def test_the_result_for_programs(says: Callable[..., Said], counter: Counter) -> None:
    counter.answer = Result(ID, "shipped", {"parcel": "DHL-1"})

    assert says("order", "--wait", "--json").json == {"id": ID, "outcome": "shipped", "fields": {"parcel": "DHL-1"}}


@pytest.mark.parametrize(
    ("answer", "text", "code"),
    [
        (
            InstanceFaulted(StatusAnswer(ID, known=True, fault={"code": "SoldOut", "message": "none left"})),
            f"instance {ID} has faulted: SoldOut: none left",
            1,
        ),
        (InstanceCanceled(StatusAnswer(ID, known=True)), f"instance {ID} was canceled", 1),
        (NotYet("it has not ended in 60 s"), "it has not ended in 60 s", 1),
        (LaunchRefused(ID, "unknown process"), f"instance {ID} was not started: unknown process", 4),
    ],
)
def test_what_does_not_complete_is_told_with_where_to_look(
    says: Callable[..., Said], counter: Counter, answer: Exception, text: str, code: int
) -> None:
    counter.answer = answer

    said, machine = says("order", "--wait"), says("order", "--wait", "--json")

    assert said.out.splitlines()[1:] == [text, f"look   bureaucrat show {ID}"]
    assert (said.code, machine.code, machine.json) == (code, code, {"id": ID, "error": text})


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (NoQueue("there is no queue bureaucrat"), 3, ["there is no queue bureaucrat", "check   bureaucrat config"]),
        (
            Unconfirmed("not confirmed in 5 s", may_have_been_sent=True),
            3,
            ["not confirmed in 5 s", "check   bureaucrat config"],
        ),
        (Refused("the fields are too large"), 2, ["not launched: the fields are too large"]),
    ],
)
def test_what_cannot_be_launched_is_told(
    says: Callable[..., Said], counter: Counter, error: Exception, code: int, lines: list[str]
) -> None:
    counter.refusal = error

    said = says("order")

    first, *rest = lines
    assert (said.code, said.out) == (code, "")
    assert said.err.splitlines() == [f"bureaucrat: {first}", *(f"  {line}" for line in rest)]


def test_a_definition_that_lacks_fields_is_not_sent(says: Callable[..., Said], counter: Counter) -> None:
    said = says("order.xml")

    assert (said.code, counter.launched) == (2, [])
    assert said.err == "bureaucrat: the process 'order' needs order_id (str): add --field order_id=…\n"


def test_a_bad_definition_is_told_with_the_page_that_says_more(says: Callable[..., Said], counter: Counter) -> None:
    Path("bad.xml").write_text('<process>\n  <delay duration="30 min"/>\n</process>\n', encoding="utf-8")

    said = says("bad.xml")

    assert (said.code, counter.launched) == (2, [])
    assert said.err.splitlines() == [
        "bureaucrat: not started: 1 problem in bad.xml",
        '  bad.xml:2:10  error   BX204  duration="30 min" is no duration: write 30m, PT30M or 1800',
        '         2 | <delay duration="30 min"/>',
        "                    ^",
        "  more   bureaucrat explain BX204",
    ]


def test_a_file_that_is_not_there_is_told(says: Callable[..., Said], counter: Counter) -> None:
    said = says("ordr.xml")

    assert (said.code, counter.launched) == (2, [])
    assert said.err.startswith(
        "bureaucrat: ordr.xml cannot be read: No such file or directory; did you mean order.xml?"
    )


def test_a_setting_that_is_wrong_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Through the real launcher, which reads the settings before it connects."""
    file = tmp_path / "config.ini"
    file.write_text("[amqp]\nport = many\n")

    code = cli.main(["launch", "order", "-c", str(file)])

    assert code == 3
    assert "[amqp] port" in capsys.readouterr().err
