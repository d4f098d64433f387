"""Which database a command looks at, and how it writes."""

from __future__ import annotations

import sqlite3
from contextlib import closing, redirect_stdout
from pathlib import Path

import pytest
from command_shell import Shell
from fake_terminal import Terminal
from operated import NOON, Office
from operated_processes import ORDER, PAUSE, SHIPPING

from bureaucrat.commands import table
from bureaucrat.commands.progress import Output
from bureaucrat.commands.wording import Times, iso, size
from bureaucrat.errors import ConfigurationError
from bureaucrat.ports import DestinationRow
from bureaucrat.stores import open_storage, sqlite_path, sqlite_url

A = "0199aaaa0000aaaa0000000000000000"


async def test_the_database_is_that_of_the_settings(office: Office, tmp_path: Path) -> None:
    await office.open()
    await office.start(PAUSE, A)
    (tmp_path / "config.ini").write_text(f"[storage]\nurl = sqlite:///{office.path}\n")

    before = await office.command("-c", "config.ini", "ps")
    after = await office.command("show", A, "-c", "config.ini")

    assert before.out.splitlines()[1].startswith("0199aaaa0000aa  pause")
    assert f"bureaucrat skip {A} night -c config.ini" in after.out


async def test_what_counts_as_stalled_is_set_there_too(office: Office, tmp_path: Path) -> None:
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")
    await office.write(destinations=[DestinationRow("worker_reserve_stock", 0, 3, NOON, NOON)])
    for name, setting in {"calm": "1h", "strict": "1s"}.items():
        text = f"[storage]\nurl = sqlite:///{office.path}\n[bureaucrat]\nstalled_after = {setting}\n"
        (tmp_path / f"{name}.ini").write_text(text)

    calm, strict = [await office.command("ps", "--json", "-c", f"{name}.ini") for name in ("calm", "strict")]
    shown = await office.command("show", A, "-c", "strict.ini")

    assert [one.json["instances"][0]["state"] for one in (calm, strict)] == ["running", "STALLED"]
    assert "bureaucrat worker MODULE -c strict.ini" in shown.out


async def test_a_definition_that_is_gone_is_told(office: Office) -> None:
    await office.open()
    await office.start(PAUSE, A)
    with closing(sqlite3.connect(office.path)) as connection, connection:
        connection.execute("DELETE FROM definitions")

    said = await office.says("ps")

    assert said.code == 3
    assert "is not in the database; was a backup restored in part?" in said.err


async def test_a_command_line_wins_over_settings(office: Office, tmp_path: Path) -> None:
    await office.open()
    (tmp_path / "config.ini").write_text("[storage]\nurl = sqlite:////nowhere/b.db\n")

    said = await office.command("-c", "config.ini", "ps", "--db", "b.db")

    assert said.out == "0 of 0   incidents 0   stalled 0 of those shown\n"


async def test_settings_that_name_no_database_are_told_with_their_place(office: Office, tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text("[storage]\nurl = sqlite:////nowhere/b.db\n")

    said = await office.command("ps", "-c", "config.ini")

    assert said.code == 3
    assert said.err.splitlines()[:2] == [
        "bureaucrat: there is no database /nowhere/b.db",
        "  from     config.ini:2  [storage] url",
    ]


async def test_settings_with_a_mistake_are_told(office: Office, tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text("[storage]\nurl = mysql://db\n")

    said = await office.command("ps", "-c", "config.ini")

    assert said.code == 3
    assert "config.ini:2" in said.err


def test_commands_are_a_program_of_their_own(shell: Shell) -> None:
    said = shell.run("ps", "--db", "nowhere.db")

    assert said.returncode == 3
    assert said.stderr.splitlines()[0] == "bureaucrat: there is no database nowhere.db"


async def test_a_terminal_gets_a_table_that_fits(office: Office, terminal: Terminal) -> None:
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")
    await office.answer(A)
    await office.start(SHIPPING, A.replace("a", "b"))
    await office.answer(A.replace("a", "b"), status="error", error="carrier: 503")
    await office.start(ORDER, A.replace("a", "c"), "1018", order_id="1018")
    await office.write(destinations=[DestinationRow("worker_reserve_stock", 0, 3, NOON, NOON - 60)])

    with redirect_stdout(terminal):
        await office.command("ps", "--db", "b.db")

    lines = terminal.text.splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["KEY", "1018", "0199bbbb0000bb", "1017"]
    assert max(map(len, lines[:4])) <= 80
    assert lines[3].endswith("event payment.authorized,...  3.0 s")


async def test_a_terminal_gets_the_tree(office: Office, terminal: Terminal) -> None:
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")

    with redirect_stdout(terminal):
        await office.command("show", A, "--db", "b.db", "--utc")

    assert "  ● reserve    reserve_stock" in terminal.text


async def test_a_line_of_the_tree_is_cut_where_the_terminal_ends(
    office: Office, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")

    with redirect_stdout(terminal):
        await office.command("show", A, "--db", "b.db", "--utc")

    lines = terminal.text.splitlines()
    (row,) = [number for number, line in enumerate(lines) if line.startswith("  ● reserve")]
    assert lines[row].endswith("…")
    assert len(lines[row]) == 60
    assert lines[row + 1].startswith("wakes")


def test_a_table_in_a_pipe_is_whole() -> None:
    assert table.plain(("A", "B"), [("x" * 99, "1"), ("y", "22")]) == [
        "A" + " " * 100 + "B",
        "x" * 99 + "  1",
        "y" + " " * 100 + "22",
    ]


def test_a_table_on_a_terminal_has_styles(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR")

    table.show(Output(terminal), ("A",), [("x",)], "A", ["bold red"])

    assert "\x1b[1;31mx" in terminal.getvalue()


# storages


@pytest.mark.parametrize("url", ["mysql://db", "sqlite:///", "b.db", ""])
def test_a_url_that_names_no_storage_is_told_with_one_that_does(url: str) -> None:
    with pytest.raises(ConfigurationError, match="names no storage: write sqlite:///FILE, for example"):
        open_storage(url, True)


@pytest.mark.parametrize("path", ["b.db", "/var/lib/a b/ä%41.db"])
def test_the_url_of_a_file_leads_back_to_it(path: str) -> None:
    assert sqlite_path(sqlite_url(path)) == Path(path)


# words


def test_an_instant_of_another_day_has_a_date() -> None:
    times = Times(NOON, is_utc=True)

    assert times.at(NOON - 3600) == "11:00:00Z"
    assert times.at(NOON - 86_400) == "2026-11-24 12:00:00Z"
    assert times.ago(NOON - 90) == "11:58:30Z (1 m 30 s ago)"
    assert times.ago(NOON + 90) == "12:01:30Z (in 1 m 30 s)"
    assert Times(NOON).at(NOON).endswith(":00:00")


def test_no_instant_is_none() -> None:
    assert (iso(None), iso(NOON + 0.5)) == (None, "2026-11-25T12:00:00.500Z")


@pytest.mark.parametrize(("octets", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (2**24, "16.0 MiB")])
def test_a_size_has_a_unit(octets: int, text: str) -> None:
    assert size(octets) == text
