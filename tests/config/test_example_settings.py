"""``examples/config.ini`` and ``docs/configuration.rst`` say what the table of settings says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bureaucrat.config import KEYS, SECTIONS, Key, load, participant_keys, service_keys

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "examples" / "config.ini"
PAGE = ROOT / "docs" / "configuration.rst"

_LINES = 108  #: one screen, in a small font
_WIDEST = 120


def section_of(text: str, name: str) -> list[str]:
    """The lines of the file from a section's heading to the next; what is about participants is apart."""
    lines = re.sub(r"# (How much each participant|HTTP services).*?\n\n", "", text, flags=re.DOTALL).splitlines()
    start = lines.index(f"[{name}]") + 1
    end = next((at for at in range(start, len(lines)) if lines[at].startswith("[")), len(lines))
    return lines[start:end]


def line_of(key: Key) -> str:
    """The line that shows a key: with its default, and its meaning unless a comment would become part of it."""
    left = f"{key.name} = {key.default}".rstrip()
    return left if key.is_secret else f"{left} # {key.meaning}"


def test_the_example_shows_every_key_with_its_default_and_meaning() -> None:
    """In its section, in the order of the table, and nothing else."""
    text = EXAMPLE.read_text(encoding="utf-8")

    for section in SECTIONS:
        shown = [re.sub(r" {2,}#", " #", line.removeprefix("#")) for line in section_of(text, section) if line]
        keys = [key for key in KEYS if key.section == section]
        assert [line for line in shown if not line.startswith(" ")] == [line_of(key) for key in keys]
        assert [line for line in shown if line.startswith(" ")] == [
            f" {key.meaning}; no comment may follow it:" for key in keys if key.is_secret
        ]


@pytest.mark.parametrize("key", participant_keys("participant:charge"), ids=lambda key: key.name)
def test_the_example_and_the_page_explain_what_is_set_about_participants(key: Key, tmp_path: Path) -> None:
    """They have no default: both show the same example, which can be used."""
    text, page = EXAMPLE.read_text(encoding="utf-8"), PAGE.read_text(encoding="utf-8")
    (line,) = re.findall(rf"^#({key.name} = \S+) +# {key.meaning}$", text, re.MULTILINE)
    file = tmp_path / "config.ini"
    file.write_text(f"[participant:charge]\n{line} # {key.meaning}\n", encoding="utf-8")

    config = load(file, {}, is_root=True)

    assert "#[participant:charge]" in text.splitlines()
    assert f"``{key.name}`` (``{line}``)\n    {_sentence(key.meaning).rstrip('.')}" in page
    (found,) = (one for one in config.settings if one.key == key)
    assert (found.source, found.value) == (f"{file}:2", getattr(config.participants[0], key.name))
    assert found.value in (20, (5, 1.0), "charge")


@pytest.mark.parametrize("key", service_keys("service:charge"), ids=lambda key: key.name)
def test_the_example_and_the_page_explain_what_is_set_about_services(key: Key) -> None:
    """They have no default: both show the same example."""
    text, page = EXAMPLE.read_text(encoding="utf-8"), PAGE.read_text(encoding="utf-8")
    example = text[text.index("#[service:charge]") :]
    line = next(line for line in example.splitlines() if line.startswith(f"#{key.name} = "))
    written, _, meaning = line.removeprefix("#").partition("  ")

    assert key.is_secret or meaning.strip() == f"# {key.meaning}"
    assert f"``{key.name}`` (``{written}``)\n    {_sentence(key.meaning).rstrip('.')}" in page


def test_the_example_fits_on_one_screen() -> None:
    """And no line is longer than others of ours."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()

    assert len(lines) <= _LINES
    assert max(map(len, lines)) <= _WIDEST


def test_the_example_can_be_used_as_it_stands() -> None:
    """Few lines say something, and they say the defaults."""
    config = load(EXAMPLE, {}, is_root=True)

    written = [(one.key.section, one.key.name) for one in config.settings if one.source != "default"]
    assert written == [("amqp", "url"), ("bureaucrat", "taskqueue_type"), ("health", "listen"), ("log", "level")]
    without = load(None, {}, search=(), is_root=True)
    assert [one.value for one in config.settings] == [one.value for one in without.settings]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: f"{key.section}.{key.name}")
def test_a_line_of_the_example_can_be_uncommented(key: Key, tmp_path: Path) -> None:
    """Its comment does not become part of the value."""
    lines = section_of(EXAMPLE.read_text(encoding="utf-8"), key.section)
    (line,) = (line.removeprefix("#") for line in lines if line.removeprefix("#").startswith(f"{key.name} ="))
    file = tmp_path / "config.ini"
    file.write_text(f"[{key.section}]\n{line}\n", encoding="utf-8")

    config = load(file, {}, is_root=True)

    (found,) = (one for one in config.settings if one.key == key)
    assert (found.value, found.source) == (key.kind.read(key.default), f"{file}:2")


def test_the_page_explains_every_key() -> None:
    """Its default, its name in the environment and its meaning, in the order of the table."""
    text = PAGE.read_text(encoding="utf-8")

    shown = re.findall(r"^``(\w+)`` \(``(.*)``\)\n    (.+)\n    ``(BUREAUCRAT_\w+)``$", text, re.MULTILINE)

    assert shown == [
        (key.name, f"{key.name} = {key.default}".rstrip(), _sentence(key.meaning), key.variable) for key in KEYS
    ]


def _sentence(meaning: str) -> str:
    return f"{meaning[0].upper()}{meaning[1:]}."
