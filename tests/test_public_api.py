"""What ``import bureaucrat`` offers: exactly the names of docs/api.rst, each explained."""

from __future__ import annotations

import configparser
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bureaucrat

ROOT = Path(__file__).parent.parent


def listed() -> list[str]:
    """The names of docs/api.rst, in order."""
    text = (ROOT / "docs" / "api.rst").read_text(encoding="utf-8")
    return re.findall(r"^- ``(\w+)``: ", text, re.MULTILINE)


def test_all_is_what_the_documentation_lists() -> None:
    """A name is public when both say so."""
    assert sorted(bureaucrat.__all__) == sorted(listed())


def test_no_name_is_listed_twice() -> None:
    """In ``__all__``, or in the documentation."""
    assert len(set(bureaucrat.__all__)) == len(bureaucrat.__all__)
    assert len(set(listed())) == len(listed())


@pytest.mark.parametrize("name", listed())
def test_every_public_name_is_there_and_explained(name: str) -> None:
    """Classes and functions have a docstring of their own; the version is text."""
    found = getattr(bureaucrat, name)

    if name == "__version__":
        assert re.fullmatch(r"\d+\.\d+\.\d+", found)
    else:
        assert vars(found).get("__doc__") if isinstance(found, type) else found.__doc__


def test_the_version_is_the_distributions() -> None:
    """One number: in setup.cfg, in the package, and in what is installed."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")

    assert bureaucrat.__version__ == setup["metadata"]["version"]
    assert bureaucrat.__version__ == importlib.metadata.version("bureaucrat-engine")


def test_a_star_import_brings_the_public_names_only() -> None:
    """Nothing else is meant to be used from outside."""
    names: dict[str, object] = {}

    exec("from bureaucrat import *", names)

    assert set(names) - {"__builtins__"} == set(listed())


def test_importing_the_package_does_not_load_what_only_the_command_line_needs() -> None:
    """Programs that hold participants only should start quickly."""
    program = "import sys, bureaucrat; print(*sorted(m for m in sys.modules if m.split('.')[0] in ('click', 'rich')))"

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert ended.stdout.split() == []


def test_the_broker_is_known_only_to_programs_that_launch() -> None:
    """pika is loaded with the first use of ``Launcher``, and not before."""
    program = (
        "import sys, bureaucrat\n"
        "print('pika' in sys.modules)\n"
        "from bureaucrat import Launcher\n"
        "print(Launcher.__name__, 'pika' in sys.modules)\n"
    )

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert ended.stdout.splitlines() == ["False", "Launcher True"]


def test_a_name_that_is_not_offered_is_no_attribute() -> None:
    """What is loaded late does not hide a misspelt name."""
    with pytest.raises(AttributeError, match="module 'bureaucrat' has no attribute 'Luancher'"):
        _ = bureaucrat.Luancher


def test_importing_it_leaves_the_logging_of_others_alone() -> None:
    """Pika may be used by the same program; only programs of ours say what it logs."""
    program = (
        "import logging, bureaucrat.launcher; print(logging.getLogger('pika').level, logging.getLogger().handlers)"
    )

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert ended.stdout == "0 []\n"
