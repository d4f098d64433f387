"""What was done in a simulation, as a list of calls: played again, or written as a test for pytest.

Rules: what is written needs nothing but ``bureaucrat.testing``; it is formatted as a person would, and says in comments
what it cannot reproduce.
"""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.limits import Limits
from ..engine.settings import Settings
from ..testing import Simulation

_WIDE = 116
_FOR_SETTINGS = ["from bureaucrat.core.limits import Limits", "from bureaucrat.engine.settings import Settings"]
_MESSAGES = re.compile(r"\bsim\.tell\((\w+)\(")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a method of :class:`~bureaucrat.testing.Simulation`."""

    name: str
    arguments: tuple[Any, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)  #: keywords
    comment: str = ""
    picked: tuple[str, int] | None = None  #: of ``answer_attempt``: the list, ``open`` or ``sent``, and the place in it

    whose: int | None = None  #: of ``tell``: the place of the instance among all instances

    def play(self, simulation: Simulation) -> None:
        """Do it.

        :raises Refused: the instance says no.
        :raises AssertionError: nothing of that name is open.
        """
        owner: Any = simulation
        *path, name = self.name.split(".")
        for part in path:
            owner = getattr(owner, part)
        attempt = () if self.picked is None else (getattr(simulation, self.picked[0])[self.picked[1]],)
        instance = {} if self.whose is None else {"instance": simulation.instances()[self.whose]}
        getattr(owner, name)(*attempt, *self.arguments, **self.fields, **instance)

    def line(self) -> str:
        """As Python, with the simulation named ``sim``; a comment stands behind it or, if it is long, before it."""
        shown = [] if self.picked is None else [f"sim.{self.picked[0]}[{self.picked[1]}]"]
        shown += [_value(one) for one in self.arguments]
        plain = {name: value for name, value in self.fields.items() if _is_name(name)}
        shown += [f"{name}={_value(value)}" for name, value in plain.items()]
        rest = {name: value for name, value in self.fields.items() if name not in plain}
        shown += [f"**{_value(rest)}"] if rest else []
        shown += [] if self.whose is None else [f"instance=sim.instances()[{self.whose}]"]
        code = f"sim.{self.name}({', '.join(shown)})"
        if not self.comment:
            return code
        behind = f"{code}  # {self.comment}"
        is_short = len(behind) <= _WIDE and "\n" not in code
        return behind if is_short else f"# {self.comment}\n{code}"


@dataclass(slots=True)
class Scenario:
    """A whole test."""

    about: str  #: its docstring: one line
    name: str  #: of the function, without ``test_``
    process: str  #: a file's path, or the text of the definition
    calls: Sequence[Call]
    others: Sequence[tuple[str, int | None]] = ()  #: further processes: path or text, and the version if it is given
    start: float | None = None
    answer_timeout: float = Limits().answer_timeout  #: seconds
    notes: Sequence[str] = ()  #: what it cannot reproduce
    happened: Sequence[str] = ()
    ends: Sequence[str] = ()  #: expressions that must hold at the end

    def text(self) -> str:
        """The file."""
        body = [line for call in self.calls for line in call.line().splitlines()]
        used = sorted(set(_MESSAGES.findall("\n".join(body))))
        begin = "" if self.start is None else f", start={self.start!r}"
        is_set = self.answer_timeout != Limits().answer_timeout
        begin += f", settings=Settings(limits=Limits(answer_timeout={self.answer_timeout!r}))" if is_set else ""
        lines = [f'"""{_escaped(self.about)}"""', "", *self._comments(), "from __future__ import annotations", ""]
        lines += _FOR_SETTINGS[:1] if is_set else []
        lines += ["from bureaucrat.core.faults import Fault"] if any("fault=Fault(" in line for line in body) else []
        lines += [f"from bureaucrat.core.messages import {', '.join(used)}"] if used else []
        lines += _FOR_SETTINGS[1:] if is_set else []
        lines += ["from bureaucrat.testing import Simulation", ""]
        lines += _constant("PROCESS", self.process)
        for number, (other, _) in enumerate(self.others, 1):
            lines += _constant(f"OTHER_{number}", other)
        lines += ["HAPPENED = [", *(f"    {_value(line)}," for line in self.happened), "]", ""]
        lines += ["", f"def test_{self.name}() -> None:", f"    sim = Simulation(PROCESS{begin})"]
        lines += [
            f"    sim.deploy(OTHER_{number}{'' if version is None else f', version={version}'})"
            for number, (_, version) in enumerate(self.others, 1)
        ]
        lines += [*(f"    {line}" for line in body), "", "    assert sim.happened() == HAPPENED"]
        lines += [f"    {line}" for end in self.ends for line in f"assert {end}".splitlines()]
        return "\n".join(lines) + "\n"

    def _comments(self) -> list[str]:
        """What it cannot reproduce, for its readers."""
        wrapped = [line for note in self.notes for line in textwrap.wrap(f"- {note}", _WIDE, subsequent_indent="  ")]
        return [*(f"# {line}" for line in wrapped), ""] if wrapped else []


def name_of(words: Iterable[str]) -> str:
    """The name of a function that is made of these words."""
    return "_".join(filter(None, (re.sub(r"\W+", "_", word).strip("_").lower() for word in words))) or "process"


def ends_of(simulation: Simulation) -> list[str]:
    """What is certain of where the instance stands."""
    ends = [f"sim.status == {_value(simulation.status)}"]
    if simulation.record().has_ended:
        ends.append(f"sim.outcome == {_value(simulation.outcome)}")
    else:
        ends.append(f"sorted(sim.active()) == {_value(sorted(simulation.active()))}")
        kept = [(one.kind, one.code, one.message) for one in simulation.incidents()]
        ends.append(f"[(one.kind, one.code, one.message) for one in sim.incidents()] == {_value(kept, 30)}")
    ends.append(f"sim.fields == {_value(simulation.fields)}")
    return ends


def simulated(answer_timeout: float) -> Settings:
    """The settings of a simulation like that."""
    return Settings(history="full", limits=Limits(answer_timeout=answer_timeout))


def answering(word: str, fields: Mapping[str, Any], comment: str = "") -> Call:
    """The call that answers an attempt so, in the words of a test."""
    match dict(fields):
        case {"status": "error", "error": str(error), **rest} if not rest:
            return Call("fail", (word, error), comment=comment)
        case {"status": "critical", "code": str(code), "error": str(message), **rest} if not rest:
            return Call("throw", (word, code, *([message] if message else [])), comment=comment)
    return Call("answer", (word, dict(fields)) if fields else (word,), comment=comment)


def _is_name(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name) and name != "self"


def _value(value: Any, room: int = _WIDE - 8) -> str:
    """A value as Python, as a formatter would write it: on one line if it fits, else an item a line."""
    inline = _inline(value)
    if len(inline) <= room or not value or not isinstance(value, dict | list):
        return inline
    if isinstance(value, dict):
        items = [f"{_inline(name)}: {_value(found, room - 4)}" for name, found in value.items()]
    else:
        items = [_value(found, room - 4) for found in value]
    inside = "\n".join(f"    {line}" for item in items for line in f"{item},".splitlines())
    return f"{{\n{inside}\n}}" if isinstance(value, dict) else f"[\n{inside}\n]"


def _inline(value: Any) -> str:
    match value:
        case str():
            text = repr(value)
            return f'"{text[1:-1]}"' if text[0] == "'" and '"' not in text else text
        case dict():
            return f"{{{', '.join(f'{_inline(name)}: {_inline(found)}' for name, found in value.items())}}}"
        case list():
            return f"[{', '.join(map(_inline, value))}]"
        case tuple():
            return f"({', '.join(map(_inline, value))}{',' if len(value) == 1 else ''})"
    return repr(value)


def _constant(name: str, process: str) -> list[str]:
    if process.lstrip().startswith("<") and _is_block(process):
        return [f'{name} = """{process}"""', ""]
    return [f"{name} = {_value(process)}", ""]


def _is_block(process: str) -> bool:
    lines = process.split("\n")
    return (
        '"""' not in process
        and "\\" not in process
        and all(line.isprintable() for line in lines)
        and lines[-1][-1:] != '"'
    )


def _escaped(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace('"""', "'''").split())
