"""Random process definitions as XML text, and what may happen to them.

Every definition is valid and bounded: each loop counts its turns, each list is short, so an instance always ends or
waits. It is drawn from a ``random.Random`` that hypothesis may control, so that failures shrink.

Durations differ from each other by at least ten milliseconds wherever they may meet, because simultaneous timers have
no order in the language.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from random import Random
from xml.sax.saxutils import escape, quoteattr

DECLARED = ("a", "b", "c")  #: properties of every process
UNDECLARED = ("u", "v")
EVENTS = ("e1", "e2")
CODES = ("boom", "bang", "Timeout", "ActionError", "ExpressionError", "UndefinedProperty")

_NUMBERS = ("1", "a + 1", "context.get('u', 0)", "b", "context.get('d', 2) + 1", "a + b", "len(items)")
_CONDITIONS = ("a < 3", "context.get('u', 0) > 1", "True", "True", "False", "b == 1", "a", "context.get('d', 5) < 4")
_BROKEN = ("missing", "1 // 0", "context['nowhere']", "items[9]")
_COLLECTED = ("context.get('u', 0)", "context.get('u', 0)", "u", "context['inst:iteration'] + a")
_SELECTIONS = ("=[1, 2]", "=range(2)", "items", "={'x': 1, 'y': 2}", "=[]", "=(7,)", "=[a, b]")


@dataclass(frozen=True)
class Shape:
    """What may be drawn."""

    depth: int = 4
    size: int = 22  #: activities
    reminders: bool = True
    calls: bool = True
    compensation: bool = True


@dataclass
class Writer:
    """Draws one document."""

    random: Random
    shape: Shape = field(default_factory=Shape)
    left: int = 0
    count: int = 0
    ids: list[str] = field(default_factory=list)  #: of what encloses the present place
    in_reminder: int = 0
    in_compensation: int = 0
    undoable: list[str] = field(default_factory=list)  #: ids of what stands before and can be compensated

    def process(self, name: str = "p") -> str:
        """A whole document."""
        self.left = self.shape.size
        head = '<property name="a" type="int">0</property><property name="b" type="int">1</property>'
        head += '<property name="c" type="str">x</property><property name="items" type="json">[1, 2]</property>'
        if self.shape.calls:
            inner = Shape(2, 5, self.shape.reminders, calls=False, compensation=self.shape.compensation)
            text = Writer(self.random, inner).process("called")
            head += f'<property name="sub" type="str">{escape(text)}</property>'
        faults = self.faults(1) if self.chance(30) else ""
        timeout = f' timeout="{self.duration()}"' if self.chance(10) else ""
        body = self.body(self.shape.depth, 4, 2) or self.leaf()
        return f'<process name="{name}"{timeout}><context>{head}{faults}</context>{body}</process>'

    # -- chance

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def pick(self, *values: str) -> str:
        return values[self.random.randrange(len(values))]

    def number(self) -> str:
        if self.chance(3):
            return self.pick(*_BROKEN)
        return self.pick(*_NUMBERS)

    def condition(self) -> str:
        if self.chance(2):
            return self.pick(*_BROKEN)
        return self.pick(*_CONDITIONS)

    def duration(self) -> str:
        """Different each time: no two timers of a definition run equally long."""
        self.count += 1
        return f"{self.random.randrange(1, 40)}.{self.count % 100:02}"

    # -- parts of an element

    def attributes(self, tag: str, waits: bool) -> str:
        """Common ones. The id is remembered by :meth:`complex`."""
        self.count += 1
        text = f' id="{tag}{self.count}"' if self.chance(80) else ""
        if waits and self.chance(12):
            text += f' timeout="{self.duration()}"'
        if self.chance(3):
            text += f' due="{self.duration()}"'
        return text

    def context(self, depth: int) -> str:
        """A context, some properties, some fault handlers; or only fault handlers."""
        properties = ""
        if self.chance(30):
            names = [name for name in ("a", "d") if self.chance(50)]
            properties = "".join(
                f'<property name="{name}" type="int">{self.random.randrange(4)}</property>' for name in names
            )
        faults = self.faults(depth) if self.chance(22) else ""
        own = faults + self.compensation()
        if properties:
            inside, beside = (own, "") if self.chance(50) else ("", own)
            return f"<context>{properties}{inside}</context>{beside}"
        return own

    def compensation(self, percent: int = 35) -> str:
        """What takes the present activity back."""
        if not self.shape.compensation or self.in_compensation or not self.chance(percent):
            return ""
        self.in_compensation += 1
        left, self.left = self.left, 2
        ids, self.ids = self.ids, []
        own = '<context><property name="d" type="int">2</property></context>' if self.chance(20) else ""
        text = f"<compensation>{own}{self.body(1, 2, 1)}</compensation>"
        self.ids, self.left = ids, left
        self.in_compensation -= 1
        return text

    def faults(self, depth: int) -> str:
        cases = ""
        left, self.left = self.left, 3  # handlers do not use up what the definition may hold
        for _ in range(self.random.randrange(1, 3)):
            codes = ", ".join(sorted({self.pick(*CODES) for _ in range(self.random.randrange(1, 4))}))
            own = '<context><property name="d" type="int">3</property></context>' if self.chance(20) else ""
            cases += f'<case code="{codes}">{own}{self.body(min(depth, 1), 2)}</case>'
        if self.chance(35):
            cases += f"<default>{self.body(min(depth, 1), 2)}</default>"
        self.left = left
        return f"<faults>{cases}</faults>"

    def reminders(self) -> str:
        if not self.shape.reminders or self.in_reminder or not self.chance(20):
            return ""
        self.in_reminder += 1
        ids, self.ids = self.ids, []
        every = f' every="{self.duration()}" times="{self.random.randrange(1, 4)}"' if self.chance(60) else ""
        text = f'<reminder after="{self.duration()}"{every}>{self.body(1, 2)}</reminder>'
        self.ids = ids
        self.in_reminder -= 1
        return text

    # -- activities

    def body(self, depth: int, most: int, least: int = 0) -> str:
        """Some activities; rarely none at all."""
        if least and self.chance(5):
            least = 0
        return "".join(self.activity(depth) for _ in range(least + self.random.randrange(most - least + 1)))

    def activity(self, depth: int) -> str:
        if self.left <= 0:
            return ""
        self.left -= 1
        if depth > 0 and self.chance(55):
            return self.complex(depth - 1)
        return self.leaf()

    def complex(self, depth: int) -> str:
        tag = self.pick("sequence", "all", "any", "switch", "while", "foreach", "all", "sequence")
        attributes = self.attributes(tag, waits=True)
        id = attributes.partition('id="')[2].partition('"')[0]
        if id:
            self.ids.append(id)
        text = getattr(self, tag.rstrip("_") + "_")(attributes, depth)
        if id:
            self.ids.pop()
            if "<compensation>" in text:
                self.undoable.append(id)
        return str(text)

    def sequence_(self, attributes: str, depth: int) -> str:
        return f"<sequence{attributes}>{self.context(depth)}{self.reminders()}{self.body(depth, 3, 1)}</sequence>"

    def all_(self, attributes: str, depth: int) -> str:
        return f"<all{attributes}>{self.context(depth)}{self.body(depth, 4, 2)}</all>"

    def any_(self, attributes: str, depth: int) -> str:
        winner = f' winner="{self.pick("c", "u")}"' if self.chance(50) else ""
        return f"<any{attributes}{winner}>{self.context(depth)}{self.body(depth, 4, 2)}</any>"

    def switch_(self, attributes: str, depth: int) -> str:
        cases = ""
        for _ in range(self.random.randrange(3)):
            conditions = "".join(
                f"<condition>{escape(self.condition())}</condition>" for _ in range(self.random.randrange(1, 3))
            )
            start = f"<case{self.attributes('case', True)}>{self.context(0)}"
            cases += f"{start}{conditions}{self.body(depth, 2, 1)}</case>"
        if self.chance(50):
            cases += f"<default{self.attributes('default', True)}>{self.context(0)}{self.body(depth, 2, 1)}</default>"
        return f"<switch{attributes}>{self.context(depth)}{cases}</switch>"

    def while_(self, attributes: str, depth: int) -> str:
        self.count += 1
        counter = f"i{self.count}"
        own = f'<property name="{counter}" type="int">0</property>'
        faults = (self.faults(depth) if self.chance(25) else "") + self.compensation(30)
        turns = (2, 1, 2, 0)[self.random.randrange(4)]
        condition = escape(f"{counter} < {turns}" + (f" and ({self.condition()})" if self.chance(40) else ""))
        step = f'<assign property="{counter}">{counter} + 1</assign>'
        body = self.body(depth, 2, 1)
        body = step + body if self.chance(50) else body + step
        return f"<while{attributes}><context>{own}</context>{faults}<condition>{condition}</condition>{body}</while>"

    def foreach_(self, attributes: str, depth: int) -> str:
        self.count += 1
        more = f" select={quoteattr(self.pick(*_SELECTIONS))}"
        if self.chance(60):
            more += f' as="it{self.count}"'
        if self.chance(40):
            more += f' collect="{self.pick("c", "got")}" value="{self.pick(*_COLLECTED)}"'
        if self.chance(60):
            more += f' parallel="{self.pick("yes", "yes", "1", "2")}"'
        return f"<foreach{attributes}{more}>{self.context(depth)}{self.body(depth, 2, 1)}</foreach>"

    def leaf(self) -> str:
        tags = ["action"] * 18 + ["assign"] * 4 + ["delay"] * 3 + ["await"] * 5 + ["signal"] * 2 + ["fault", "exit"]
        if self.shape.calls:
            tags += ["call"] * 2
        if self.shape.compensation and not self.in_compensation:
            tags += ["compensate"] * 4
        if self.in_compensation and not self.ids:
            tags.remove("exit")  # it would lead out of the compensation
        tag = self.pick(*tags)
        attributes = self.attributes(tag, tag in ("action", "delay", "await", "call", "compensate"))
        text = str(getattr(self, f"{tag}_")(attributes))
        id = attributes.partition('id="')[2].partition('"')[0]
        if id and "<compensation>" in text:
            self.undoable.append(id)
        return text

    def _own(self) -> str:
        """What any activity may hold directly."""
        return (self.faults(0) if self.chance(15) else "") + self.compensation(30)

    def compensate_(self, attributes: str) -> str:
        scope = f' scope="{self.pick(*self.undoable)}"' if self.undoable and self.chance(40) else ""
        return f"<compensate{attributes}{scope}>{self.faults(0) if self.chance(15) else ''}</compensate>"

    def action_(self, attributes: str) -> str:
        attributes += f' participant="{self.pick("x", "y", "human:z")}" jitter="no"'
        if self.chance(40):
            attributes += f' retries="{self.random.randrange(1, 3)}" delay="{self.duration()}"'
            attributes += f' backoff="{self.pick("1", "2", "1.5")}"'
        if self.chance(20):
            attributes += f' exhausted="{self.pick("incident", "fault")}"'
        inside = ""
        if self.chance(20):
            everything = ' all="yes"' if self.chance(50) else ""
            inside += f'<input{everything}><field name="q">{escape(self.number())}</field></input>'
        if self.chance(12):
            answer = self.pick("answer.get('a', 1)", "answer['b']", "a + 1")
            inside += f'<output><field name="{self.pick("a", "u")}">{answer}</field></output>'
        return f"<action{attributes}>{inside}{self._own()}{self.reminders()}</action>"

    def assign_(self, attributes: str) -> str:
        name = self.pick("a", "b", "u", "v", "d")
        faults = self._own()
        return f'<assign{attributes} property="{name}">{escape(self.number())}{faults}</assign>'

    def delay_(self, attributes: str) -> str:
        return f'<delay{attributes} duration="{self.duration()}">{self._own()}</delay>'

    def await_(self, attributes: str) -> str:
        attributes += f' event="{self.pick(*EVENTS)}"'
        if self.chance(25):
            attributes += f' key="{self.pick("a", "b")}"'
        if self.chance(35):
            attributes += f' since="{self.pick("start", "turn", "wait")}"'
        if self.chance(40):
            attributes += ' property="u"'
        condition = self.pick("event['k'] > 1", "event.get('k', 0) == a", "True", "event['zzz'] == 1")
        condition = f"<condition>{escape(condition)}</condition>" if self.chance(40) else ""
        return f"<await{attributes}>{condition}{self._own()}{self.reminders()}</await>"

    def signal_(self, attributes: str) -> str:
        fields = f'<field name="k">{escape(self.number())}</field>' if self.chance(70) else ""
        return f'<signal{attributes} event="{self.pick(*EVENTS)}">{fields}{self._own()}</signal>'

    def fault_(self, attributes: str) -> str:
        return f'<fault{attributes} code="{self.pick("boom", "bang", "=c")}" message="m">{self._own()}</fault>'

    def exit_(self, attributes: str) -> str:
        scope = f' scope="{self.pick(*self.ids)}"' if self.ids and (self.in_compensation or self.chance(90)) else ""
        outcome = f' outcome="{self.pick("early", "=str(a)")}"' if self.chance(40) else ""
        return f"<exit{attributes}{scope}{outcome}/>"

    def call_(self, attributes: str) -> str:
        inside = ""
        if self.chance(60):
            inside += f'<input><field name="a">{escape(self.number())}</field></input>'
        if self.chance(60):
            inside += f'<output><field name="{self.pick("a", "u")}">answer.get("a", 0)</field></output>'
        broken = "c" if self.chance(10) else "sub"
        return f'<call{attributes} process="${broken}">{inside}{self._own()}{self.reminders()}</call>'


def definition(random: Random, shape: Shape | None = None) -> str:
    """The text of one random definition."""
    return Writer(random, shape or Shape()).process()


def fields(random: Random) -> dict[str, object]:
    """What a participant may answer, an event may carry or a person may set."""
    chosen: dict[str, object] = {}
    for name in (*DECLARED[:2], *UNDECLARED, "d", "k", "z"):
        if random.randrange(100) < 30:
            chosen[name] = random.randrange(4)
    if random.randrange(100) < 5:
        chosen["v"] = [None, "text", [1], {"x": 1.0}, 1.5, True][random.randrange(6)]
    return chosen


def answer(random: Random) -> dict[str, object]:
    """An answer of any status."""
    given = fields(random)
    match random.randrange(20):
        case 0 | 1 | 2:
            return {**given, "status": "error", "error": "no luck"}
        case 3 | 4:
            return {**given, "status": "critical", "error": "bad", "code": CODES[random.randrange(4)]}
        case 5:
            return {"status": "critical"}
        case 6:
            return {"status": "perhaps"}
        case 7:
            return {**given, "status": "done", "inst:id": "stolen"}
    return given


def pretty(text: str) -> str:
    """A definition as a failing test should show it."""
    from lxml import etree

    root = etree.fromstring(text)
    etree.indent(root)
    return etree.tostring(root).decode()


def show(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)
