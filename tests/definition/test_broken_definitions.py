"""Each document in ``broken/`` gives exactly the lines that stand in ``broken/expected.txt`` (L121).

After a message was changed on purpose: ``python tests/definition/test_broken_definitions.py`` writes the file anew;
read it by eye before it is committed, as its author would who sees only that line.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bureaucrat.definition import InvalidDefinition, explain, read
from bureaucrat.definition.problems import CODES

FOLDER = Path(__file__).parent / "broken"
GOLDEN = FOLDER / "expected.txt"
DOCUMENTS = sorted(FOLDER.glob("*.xml"))


def rows(path: Path) -> str:
    with pytest.raises(InvalidDefinition) as caught:
        read(path.read_bytes(), file=path.name)
    width = max(len(problem.location) for problem in caught.value.problems)
    return "".join(problem.row(width) + "\n" for problem in caught.value.problems)


def expected() -> dict[str, str]:
    blocks = GOLDEN.read_text("utf-8").split("\n\n")
    return {block.partition(":")[0]: block.strip("\n") + "\n" for block in blocks}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_a_broken_definition_gives_exactly_these_lines(path: Path) -> None:
    assert rows(path) == expected()[path.name]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_every_code_that_is_told_can_be_explained(path: Path) -> None:
    for line in rows(path).splitlines():
        code = line.split()[2]
        assert explain(code).startswith(f"{code}  {CODES[code].title}")


if __name__ == "__main__":
    GOLDEN.write_text("\n".join(map(rows, DOCUMENTS)), "utf-8")
