"""``bureaucrat lint`` and ``bureaucrat explain``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_shell import ROOT, Shell

GOOD = '<process name="good"/>\n'
BAD = """<process name="bad">
  <actoin participant="a"/>
  <while>
    <condition>amount < 100</condition>
  </while>
</process>
"""


def test_all_problems_of_all_files_are_shown(shell: Shell) -> None:
    """Each with its line of the source, a caret, and what to write; then a summary."""
    files = [shell.write("good.xml", GOOD), shell.write("bad.xml", BAD)]

    ended = shell.run("lint", *files)

    assert ended.returncode == 2
    assert ended.stdout.splitlines() == [
        "bad.xml:2:3   error   BX301  unknown element <actoin>; did you mean <action>?",
        '       2 | <actoin participant="a"/>',
        "           ^",
        'bad.xml:4:23  error   BX110  "<" in a condition must be written &lt; in XML: write amount &lt; 100',
        "       4 | <condition>amount < 100</condition>",
        "                             ^",
        "2 errors, 0 warnings in 1 of 2 files.   bureaucrat explain BX110   --format json|github",
    ]


def test_good_files_are_counted(shell: Shell) -> None:
    """Exit code 0."""
    ended = shell.run("lint", shell.write("good.xml", GOOD))

    assert (ended.returncode, ended.stdout) == (0, "1 file, no problems\n")


def test_a_folder_is_searched_for_definitions(shell: Shell) -> None:
    """All that end in .xml, however deep."""
    (shell.folder / "a" / "b").mkdir(parents=True)
    shell.write("a/one.xml", GOOD)
    shell.write("a/b/two.xml", GOOD)
    shell.write("a/three.txt", "no definition")

    assert shell.run("lint", "a").stdout == "2 files, no problems\n"


def test_the_shipped_processes_have_no_problems(shell: Shell) -> None:
    """They are examples to follow; not even warnings."""
    ended = shell.run("lint", "--strict", str(ROOT / "processes"))

    assert (ended.returncode, ended.stdout) == (0, "9 files, no problems\n")


def test_warnings_are_shown_and_fail_only_when_strict(shell: Shell) -> None:
    """A file with errors is not looked at for warnings."""
    doubtful = shell.write("doubtful.xml", '<process>\n  <fault code="Unpaid"/>\n</process>\n')

    ended = shell.run("lint", doubtful, shell.write("bad.xml", BAD.replace("<while>", '<fault code="A"/><while>')))

    assert ended.stdout.splitlines()[:3] == [
        'doubtful.xml:2:3  warning BX512  nothing around handles the fault "Unpaid": the instance will be faulted '
        'until a person decides, a called one throws it at its caller; add a <case code="Unpaid"> if that is not meant',
        '       2 | <fault code="Unpaid"/>',
        "           ^",
    ]
    assert ended.stdout.splitlines()[-1].startswith("2 errors, 1 warning in 2 of 2 files.")
    assert shell.run("lint", doubtful).returncode == 0
    assert shell.run("lint", doubtful, "--strict").returncode == 2
    assert shell.run("lint", doubtful, "--format", "github").stdout.startswith(
        "::warning file=doubtful.xml,line=2,col=3"
    )
    assert json.loads(shell.run("lint", doubtful, "--format", "json").stdout)[0]["severity"] == "warning"


@pytest.mark.parametrize(("path", "text"), [("none.xml", "there is no file none.xml"), (".", "there is no *.xml in .")])
def test_a_path_without_definitions_is_an_error(shell: Shell, path: str, text: str) -> None:
    """A misspelt name must not pass for a good file."""
    ended = shell.run("lint", path)

    assert ended.returncode == 2
    assert text in ended.stderr


def test_json_is_for_programs(shell: Shell) -> None:
    """A list, empty if all is well."""
    bad, good = shell.write("bad.xml", BAD), shell.write("good.xml", GOOD)

    problems = json.loads(shell.run("lint", bad, "--format", "json").stdout)

    assert problems[0] == {
        "file": "bad.xml",
        "line": 2,
        "column": 3,
        "code": "BX301",
        "message": "unknown element <actoin>; did you mean <action>?",
        "severity": "error",
    }
    assert json.loads(shell.run("lint", good, "--format", "json").stdout) == []


def test_github_shows_each_problem_at_its_place(shell: Shell) -> None:
    """What would end the line or the value is written as it asks."""
    process = shell.write("a,b.xml", '<process><delay duration="50%"/></process>')

    ended = shell.run("lint", process, "--format", "github")

    assert ended.stdout.startswith("::error file=a%2Cb.xml,line=1,col=")
    assert 'title=BX204::duration="50%25" is no duration' in ended.stdout


def test_a_long_line_is_cut_around_the_place(shell: Shell) -> None:
    """The caret still points at it."""
    process = shell.write("long.xml", "<process>" + " " * 500 + "<actoin/>" + " " * 500 + "</process>")

    excerpt, caret = shell.run("lint", process).stdout.splitlines()[1:3]

    assert len(excerpt) <= 130
    assert excerpt[caret.index("^") :].startswith("<actoin/>")


def test_the_schema_for_editors_is_a_file(shell: Shell) -> None:
    """Its path alone, so that another program can be given it."""
    ended = shell.run("lint", "--schema")

    path = Path(ended.stdout.rstrip("\n"))
    assert (ended.returncode, path.name) == (0, "process.xsd")
    assert path.read_text(encoding="utf-8").startswith("<?xml")


def test_a_code_is_explained(shell: Shell) -> None:
    """In small letters, too."""
    ended = shell.run("explain", "bx204")

    assert ended.returncode == 0
    assert ended.stdout.startswith("BX204  This is no duration\n")


def test_a_code_that_is_none_has_a_neighbour(shell: Shell) -> None:
    """Exit code 2."""
    ended = shell.run("explain", "BX20")

    assert ended.returncode == 2
    assert 'there is no code "BX20"; did you mean' in ended.stderr
