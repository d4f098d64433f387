"""``bureaucrat streams`` (F-004, F-034 to F-037), and the examples, run as they stand (F-003, F-014)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bureaucrat.cli import main
from bureaucrat.commands.failure import Exit

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples" / "streams"
AGENT = str(EXAMPLES / "agent.py")

PROGRAM = "import sys; from bureaucrat.cli import main; sys.exit(main())"
BROKEN = '''
from bureaucrat import streams

app = streams.App("broken", broker="memory://")
channel = app.channel()

@app.task
async def fails():
    raise LookupError("no such")

@app.agent(channel)
async def local(stream):
    """Reads a channel."""
    async for _ in stream:
        pass

@app.command(name="refused")
async def refused():
    raise streams.ImproperlyConfigured("not so")

@app.command()
def plain():
    """Prints."""
    print("plain", app.conf.datadir)
'''


@pytest.fixture(autouse=True)
def own_modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is imported by its path is forgotten."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith((str(EXAMPLES), "/tmp")):
            del sys.modules[name]


@pytest.fixture
def broken(tmp_path: Path) -> str:
    path = tmp_path / "broken.py"
    path.write_text(BROKEN)
    return str(path)


def streams(*arguments: str) -> int:
    return main(["streams", *arguments])


def test_agents_are_listed(capsys: pytest.CaptureFixture[str], broken: str) -> None:
    """F-036: those of channels in memory with `--local` only."""
    assert streams("-A", AGENT, "agents") == Exit.OK
    assert capsys.readouterr().out == "NAME          TOPIC   HELP\nagent.adding  adding  Adds two numbers.\n"

    assert streams("--json", "-A", broken, "agents") == Exit.OK
    assert json.loads(capsys.readouterr().out) == []
    assert streams("--json", "-A", f"{broken}:app", "agents", "--local") == Exit.OK
    assert json.loads(capsys.readouterr().out) == [{"name": "broken.local", "topic": "", "help": "Reads a channel."}]


def test_models_are_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """F-036."""
    assert streams("-A", AGENT, "models") == Exit.OK
    assert "agent.Add" in capsys.readouterr().out

    assert streams("-A", AGENT, "model", "agent.Add") == Exit.OK
    assert capsys.readouterr().out == "FIELD  TYPE  DEFAULT\na      int   *\nb      int   *\n"

    assert streams("-A", AGENT, "model", "no-such") == Exit.REFUSED
    assert "there is no model no-such" in capsys.readouterr().err


def test_a_message_is_sent(capsys: pytest.CaptureFixture[str]) -> None:
    """F-037: to an agent or a topic; where it went is JSON."""
    assert streams("-A", AGENT, "send", "@adding", '{"a": 1, "b": 2}', "-k", "key", "--repeat", "2") == Exit.OK
    sent = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [set(one) for one in sent] == [{"topic", "partition", "timestamp"}] * 2
    assert sent[0]["partition"] == sent[1]["partition"], "one key"

    typed = ["-V", "agent.Add", "--key-serializer", "json", "--partition", "3"]
    assert streams("-A", AGENT, "send", *typed, "elsewhere", '{"a": 1, "b": 2}') == Exit.OK
    assert json.loads(capsys.readouterr().out)["partition"] == 3
    assert streams("-A", AGENT, "send", "elsewhere", "no JSON") == Exit.OK


def test_what_cannot_be_sent_is_refused(capsys: pytest.CaptureFixture[str], broken: str) -> None:
    """F-037: with what there is."""
    assert streams("-A", AGENT, "send", "@adding", '{"a": "x"}') == Exit.REFUSED
    assert "Malformed: it is no Add" in capsys.readouterr().err
    assert streams("-A", AGENT, "send", "@adder", "1") == Exit.REFUSED
    assert "there is no agent adder\n  there are agent.adding" in capsys.readouterr().err
    assert streams("-A", broken, "send", "@local", "1") == Exit.REFUSED
    assert "reads a channel in memory" in capsys.readouterr().err


def test_the_app_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """F-035: by its module, and its name there if it needs one."""
    (tmp_path / "nothing.py").write_text("")

    assert streams("agents") == Exit.INVALID
    assert "bureaucrat streams -A MODULE worker" in capsys.readouterr().err
    assert streams("-A", str(tmp_path / "nothing.py"), "agents") == Exit.NOT_STARTED
    assert "nothing.py has no app" in capsys.readouterr().err


def test_an_app_has_commands_of_its_own(capsys: pytest.CaptureFixture[str], broken: str, tmp_path: Path) -> None:
    """F-034, F-035: listed, explained and called; with `--workdir` and `--datadir`."""
    assert streams("-A", AGENT, "--help") == Exit.OK
    assert "sum_of" in capsys.readouterr().out
    assert streams("-A", AGENT, "sum_of", "--help") == Exit.OK
    assert "A: The first number" in capsys.readouterr().out

    here = Path.cwd()
    try:
        assert streams("-A", broken, "-W", str(tmp_path), "-D", "/data", "plain") == Exit.OK
        assert Path.cwd() == tmp_path
    finally:
        os.chdir(here)
    assert capsys.readouterr().out == "plain /data\n"
    assert streams("-A", broken, "refused") == Exit.REFUSED
    assert "ImproperlyConfigured: not so" in capsys.readouterr().err
    assert streams("-A", broken, "no-such") == Exit.INVALID


def test_a_worker_that_crashes_says_why(capsys: pytest.CaptureFixture[str], broken: str, tmp_path: Path) -> None:
    """F-004, F-035: the log has it, too."""
    log = tmp_path / "log"

    assert streams("-A", broken, "worker", "-l", "info", "-f", str(log), "--grace", "1") == Exit.UNFINISHED

    told = capsys.readouterr()
    assert told.out == "serving broken.local of broken; Ctrl-C stops\n"
    assert "crashed: LookupError: no such" in told.err
    assert "LookupError: no such" in log.read_text()


def test_a_broker_that_is_away_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to check; no password is shown."""
    monkeypatch.setenv("BUREAUCRAT_AMQP_URL", "amqp://me:secret@127.0.0.1:1/v")

    for command in (["worker"], ["send", "@adding", '{"a": 1, "b": 2}']):
        assert streams("-A", AGENT, *command) == Exit.NOT_STARTED
        told = capsys.readouterr().err
        assert "not started: no RabbitMQ at amqp://me:***@127.0.0.1:1/v" in told
        assert "secret" not in told


@pytest.mark.programs_measured
def test_a_worker_serves_and_a_command_asks_it(vhost_url: str) -> None:
    """F-004, F-034, F-020: three programs."""
    environment = {**os.environ, "BUREAUCRAT_AMQP_URL": vhost_url}
    command = [sys.executable, "-c", PROGRAM, "streams", "-A", AGENT]
    worker = subprocess.Popen([*command, "worker", "-l", "warning"], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "serving agent.adding of agent-example; Ctrl-C stops\n"

        asked = subprocess.run(
            [*command, "sum_of", "4", "8", "--print"], env=environment, capture_output=True, text=True, timeout=60
        )
        program = subprocess.run(
            [sys.executable, str(EXAMPLES / "send_to_agent.py")],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        worker.terminate()
        assert worker.wait(30) == Exit.OK
    finally:
        worker.kill()
        worker.communicate()

    assert (asked.stdout, asked.stderr) == ("asking for 4 + 8\n12\n", "")
    assert (program.stdout, program.stderr) == ("8\n[1, 2, 3, 4, 5]\n", "")


@pytest.mark.parametrize(
    ("example", "printed"),
    [
        ("transfers.py", "ann 10.0\nbob 5.0\nann 12.5\n"),
        (
            "articles.py",
            "".join(f"{what} /{number}\n" for what in ("counted", "filed", "indexed", "shown") for number in range(3)),
        ),
        ("squares.py", "[1, 4, 9, 16, 25, 36, 49, 64]\n[0, 1, 4, 9]\n13\n"),
    ],
)
def test_an_example_runs_in_one_process(example: str, printed: str) -> None:
    """F-003, F-007, F-015, F-016, F-029: without a broker."""
    environment = {name: value for name, value in os.environ.items() if name != "BUREAUCRAT_AMQP_URL"}

    ended = subprocess.run(
        [sys.executable, str(EXAMPLES / example)], env=environment, capture_output=True, text=True, timeout=60
    )

    assert (ended.stdout, ended.stderr) == (printed, "")


def test_every_example_is_run() -> None:
    source = Path(__file__).read_text()

    assert [path.name for path in EXAMPLES.glob("*.py") if not re.search(rf'"{path.name}"', source)] == []
