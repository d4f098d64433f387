"""Commands are programs of their own: they ask what another program carries out."""

from __future__ import annotations

from command_shell import Shell

GATE = '<process name="gate" key="door"><context><property name="door" type="str"/></context>{}</process>'
WAITING = GATE.format('<await id="open" event="door.opened" key="door"/>')


def waiting_run(shell: Shell) -> None:
    """A program that runs a process which waits at a gate."""
    shell.write("gate.xml", WAITING)
    shell.start("run", "gate.xml", "--field", "door=7", "--db", "run.db").until("waits for")


def test_an_event_of_one_program_wakes_a_process_of_another(shell: Shell) -> None:
    waiting_run(shell)

    said = shell.run("event", "door.opened", "door=7", "--db", "run.db")

    assert (said.returncode, said.stdout) == (0, "woke 1\n  gate 7 at open\n")
    (program,) = shell.started
    assert program.end() == 0
    assert any("completed in" in line for line in program.lines)


def test_a_process_of_another_program_is_canceled(shell: Shell) -> None:
    waiting_run(shell)

    said = shell.run("cancel", "7", "--reason", "wrong door", "--db", "run.db")

    assert (said.returncode, said.stdout) == (0, "7: canceled; the instance is canceled\n")
    (program,) = shell.started
    assert program.end() == 1


def test_what_was_asked_while_nobody_ran_is_carried_out_by_the_next_run(shell: Shell) -> None:
    shell.write("gate.xml", WAITING)
    shell.run("run", "gate.xml", "--field", "door=7", "--db", "run.db", "--timeout", "100ms")

    asked = shell.run("skip", "7", "--no-wait", "--who", "bea@desk", "--db", "run.db")
    ended = shell.run("run", "gate.xml", "--db", "run.db")
    kept = shell.run("audit", "7", "--db", "run.db")

    assert asked.stdout.startswith("7: asked to skip open   order ")
    assert ended.returncode == 0
    assert [line.split()[1:5:3] for line in kept.stdout.splitlines()[1:]] == [["bea@desk", "done"]]
