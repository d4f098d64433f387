"""docs/operations.rst: the first day, followed literally by a shell, on a RabbitMQ of the tests' own.

Rules: a line that begins with ``$`` is given to bash, and what stands below is what it prints; one that ends with ``&``
goes on in the background. What only looks is asked again until it prints that, for the daemon does its work beside.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from rabbit import Rabbit, free_port
from reader import ROOT, Day, reader
from service import until
from test_docs_examples import commands, of_page, steady

PAGE = "docs/operations.rst"
LOOKS = ("bureaucrat ps", "bureaucrat show", "bureaucrat audit", "bureaucrat dead list", "tail ")
_VOLATILE = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "INSTANT"),
    (r"\b\d{19}\b", "LETTER"),
    (r"\(pid \d+\)|ps -p \d+|kill \d+", "PROCESS"),
    (r"according to \S+", "according to FILE"),
    (r" +", " "),
)


@pytest.fixture
def day(tmp_path: Path, rabbit: Rabbit) -> Iterator[Day]:
    replaced = {":5672": f":{rabbit.port}", ":9464": f":{free_port()}"}
    with reader(PAGE, tmp_path, rabbit, replaced) as made:
        yield made


def normal(text: str) -> list[str]:
    for pattern, word in _VOLATILE:
        text = re.sub(pattern, word, text)
    return [line.strip() for line in steady(text.splitlines())]


def test_the_first_day_goes_as_the_page_says(day: Day) -> None:
    """T-005: a worker and the daemon from one file of settings; every command prints what stands below it."""
    told = commands(PAGE)
    assert len(told) > 25

    for command, lines in told:
        if command.endswith("&"):
            day.begin(command)
            continue
        codes = [int(line.rpartition(" ")[2]) for line in lines if line.startswith("# exit code ")] or [0]
        page = "\n".join(line for line in lines if not line.startswith("# exit code "))
        printed, code = day.bash(command)
        if command.startswith(LOOKS) and normal(printed) != normal(day.local(page)):
            printed, code = _when_so(day, command, page)
        day.learn(page, printed)
        assert normal(printed) == normal(day.local(page)), f"{command}\n{_logs(day)}"
        assert code == codes[0], command


def _when_so(day: Day, command: str, page: str) -> tuple[str, int]:
    """Ask again until it prints what the page shows; the last answer if it never does."""
    last = day.bash(command)

    def is_so() -> bool:
        nonlocal last
        last = day.bash(command)
        day.learn(page, last[0])
        return normal(last[0]) == normal(day.local(page))

    try:
        until(is_so, command, 30)
    except AssertionError:
        return last
    return last


def _logs(day: Day) -> str:
    return "".join((day.folder / name).read_text() for name in ("daemon.log", "worker.log"))


def test_every_block_for_a_shell_can_be_read_by_one() -> None:
    """Those that need root or a service manager are not run."""
    blocks = [block for block in of_page(PAGE) if block.language == "sh"]
    assert len(blocks) > 2

    for block in blocks:
        subprocess.run(["bash", "-n", "-c", block.text], check=True)
        for path in re.findall(r"(?<![/\w])bureaucrat/([\w./-]+)", block.text):
            assert path.startswith("bin/") or (ROOT / path).exists() or path.endswith((".db", ".ini")), path


def test_every_metric_is_on_the_page() -> None:
    """With its name, and no other."""
    from bureaucrat.daemon.metrics import registry_of
    from bureaucrat.engine.figures import Figures

    text = (ROOT / PAGE).read_text(encoding="utf-8")
    names = {
        metric.name + ("_total" if metric.type == "counter" else "")
        for metric in registry_of(Figures()).collect()
        if metric.name.startswith("bureaucrat_")
    }

    assert set(re.findall(r"^(bureaucrat_\w+)", text, re.MULTILINE)) == names
