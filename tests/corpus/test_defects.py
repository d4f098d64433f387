"""What the stories of this folder cannot tell: definitions that are refused, inputs for nobody, keys and tokens."""

import re

import pytest

from bureaucrat.core.limits import Limits
from bureaucrat.core.messages import Cancel
from bureaucrat.definition.problems import InvalidDefinition
from bureaucrat.engine.settings import Settings
from bureaucrat.engine.starts import instance_id_of
from bureaucrat.errors import Fault, UnknownInstance
from bureaucrat.ports import Answered
from bureaucrat.testing import Simulation

ONE_ACTION = '<process name="p"><action id="a" participant="work"/></process>'
IN_A_LOOP = """
<process name="p">
  <foreach select="=[1, 2]">
    <action id="a" participant="work" retries="1" delay="1s" jitter="no"><input/></action>
  </foreach>
</process>
"""


@pytest.mark.parametrize(
    "attack",
    [
        "__import__('os').system('id')",
        "().__class__.__base__.__subclasses__()",
        "context.__class__",
        "'{0.__class__}'.format(1)",
        "open('/etc/passwd')",
        "getattr(context, 'x')",
        "exec('1')",
        "(lambda: 1)()",
        "(x := 1)",
        "[][0].append(1)",
        "__builtins__",
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        '<assign property="x">{}</assign>',
        "<while><condition>{}</condition></while>",
        '<await event="e"><condition>{}</condition></await>',
        '<delay duration="={}"/>',
        '<foreach select="={}"/>',
        '<action participant="a"><input><field name="x">{}</field></input></action>',
    ],
)
def test_d17_s6_no_expression_runs_code_of_its_own(attack: str, place: str) -> None:
    """D17 S6 L21: the original gives the definition's text to eval."""
    escaped = attack.replace('"', "&quot;")

    with pytest.raises(InvalidDefinition) as refused:
        Simulation(f'<process name="p">{place.format(escaped)}</process>')

    assert [problem.code for problem in refused.value.problems] == ["BX401"]


def test_d16_a_command_for_nobody_is_refused_and_the_others_go_on() -> None:
    """D16: the original ends on a message for an unknown target."""
    simulation = Simulation(ONE_ACTION)
    simulation.launch()

    with pytest.raises(UnknownInstance):
        simulation.tell(Cancel(), instance="nobody")
    simulation.answer("a")

    simulation.assert_ended("completed")


def test_d16_an_answer_for_nobody_changes_nothing() -> None:
    """D16 L34: from another engine, or of an instance that is gone."""
    simulation = Simulation(ONE_ACTION)
    simulation.launch()
    attempt = simulation.attempt("a")
    settled: list[int] = []

    for branch, activity, number in (("", 99, 1), ("_7_7", 1, 1), ("", 1, 99)):
        strange = Answered(simulation.instance, branch, activity, number, {"x": 1}, lambda: settled.append(1))
        simulation._desk.answered(strange)
    simulation._desk.answered(Answered("nobody", "", 1, 1, {"x": 1}, lambda: settled.append(1)))
    simulation.answer_attempt(attempt, {"y": 2})

    assert simulation.fields == {"y": 2}
    assert settled == [1, 1, 1, 1]
    simulation.assert_ended("completed")


@pytest.mark.parametrize("wanted", ["../../etc/passwd", "a/b", "", "a b", "ä", "x" * 65, "a\x00b", "a_1", "a\n"])
def test_s5_an_id_that_a_client_asks_for_is_never_a_path(wanted: str) -> None:
    """S5 L1: the original joins it into a file's name."""
    found = instance_id_of(wanted)

    assert re.fullmatch(r"[A-Za-z0-9.-]{1,64}", found)
    assert found != wanted
    assert found == instance_id_of(wanted)


def test_s5_a_good_id_is_kept() -> None:
    """L1."""
    assert instance_id_of("order-2026.A") == "order-2026.A"


def test_l30_a_token_is_never_used_twice_and_the_key_is_the_activation_s() -> None:
    """L30: attempts of one turn have one key; the next turn has another; no two have one number."""
    simulation = Simulation(IN_A_LOOP)
    simulation.launch()
    for _ in range(2):
        simulation.fail("a")
        simulation.advance("1s")
        simulation.answer("a")

    keys = [attempt.key for attempt in simulation.sent]
    numbers = [attempt.dispatch.attempt for attempt in simulation.sent]

    assert len(set(numbers)) == 4
    assert keys[0] == keys[1] != keys[2] == keys[3]
    simulation.assert_ended("completed")


def test_l30_an_operator_s_retry_of_an_error_keeps_the_key_and_not_the_token() -> None:
    """L30: the activation is the same, so a participant that is idempotent by key does nothing twice."""
    simulation = Simulation(ONE_ACTION)
    simulation.launch()
    simulation.fail("a")
    simulation.retry()

    first, second = simulation.sent

    assert first.key == second.key
    assert first.dispatch.attempt != second.dispatch.attempt


def test_l30_after_a_restart_the_same_attempt_is_sent_again() -> None:
    """L30 S1: it is the same attempt, so its token and key are the same."""
    simulation = Simulation(ONE_ACTION)
    simulation.launch()
    simulation.restart()

    first, second = simulation.sent

    assert (first.key, first.dispatch.attempt) == (second.key, second.dispatch.attempt)


def test_l32_what_a_function_raises_is_its_answer() -> None:
    """L32: an exception is an error, a Fault is critical with its code."""
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("not yet")
        raise Fault("Declined", "no money")

    text = """<process name="p">
      <sequence>
        <faults><case code="Declined"><assign property="why">context["inst:fault"]["message"]</assign></case></faults>
        <action id="a" participant="work" retries="1" jitter="no"/>
      </sequence>
    </process>"""
    simulation = Simulation(text, {"work": work})
    simulation.launch()
    simulation.advance("1s")

    assert [entry.detail["error"] for entry in simulation.trace if entry.what == "failed"] == ["ValueError: not yet"]
    assert simulation.fields == {"why": "no money"}
    simulation.assert_ended("completed")


def test_l30_result_takes_whatever_is_returned_and_arguments_come_by_name() -> None:
    """A task written without us: its fields are keyword arguments, what it returns is written under one name."""
    text = """<process name="p">
      <action id="a" participant="work" arguments="kwargs" result="total">
        <input><field name="price">5</field><field name="count">n</field></input>
      </action>
    </process>"""
    simulation = Simulation(text, {"work": lambda price, count: price * count})
    simulation.launch({"n": 3})

    assert simulation.fields == {"n": 3, "total": 15}
    simulation.assert_ended("completed")


def test_l3_a_priority_is_a_number_or_an_expression() -> None:
    """L3."""
    text = """<process name="p">
      <all><action id="a" participant="x" priority="7"/><action id="b" participant="x" priority="=urgency + 1"/></all>
    </process>"""
    simulation = Simulation(text)
    simulation.launch({"urgency": 1})

    assert [attempt.dispatch.priority for attempt in simulation.sent] == [7, 2]


@pytest.mark.parametrize("given", [10, -1, 2.5, "7", None])
def test_l3_a_priority_that_is_none_is_a_fault(given: object) -> None:
    """L3: it is what a literal may be, for no message can carry another."""
    text = """<process name="p">
      <action participant="x" priority="=urgency">
        <faults><case code="ExpressionError"><exit outcome="bad"/></case></faults>
      </action>
    </process>"""
    simulation = Simulation(text)
    simulation.launch({"urgency": given})

    assert simulation.sent == []
    assert simulation.outcome == "bad"


def test_l31_jitter_is_on_unless_it_is_switched_off() -> None:
    """L31: within a fifth of the wait, not the same for every activation."""
    text = '<process name="p"><all>{}</all></process>'
    simulation = Simulation(text.format('<action participant="work" retries="1" delay="100s"/>' * 20))
    simulation.launch()
    for _ in range(20):
        simulation.fail("work")

    waits = [float(str(entry.detail["wait"])) for entry in simulation.trace if entry.what == "failed"]

    assert len(set(waits)) == 20
    assert all(80 <= wait <= 120 for wait in waits)
    assert max(waits) - min(waits) > 10


@pytest.mark.parametrize("name", ["inst:fault", "inst:mine", "status"])
@pytest.mark.parametrize(
    "place",
    [
        '<context><property name="{}" type="int">1</property></context>',
        '<assign property="{}">1</assign>',
        '<foreach select="=[1]" as="{}"/>',
        '<foreach select="=[1]" collect="{}" value="1"/>',
        '<any winner="{}"/>',
        '<await event="e" property="{}"/>',
        '<action participant="a" result="{}"/>',
        '<action participant="a"><output><field name="{}">1</field></output></action>',
    ],
)
def test_l13_a_definition_that_writes_a_reserved_name_is_refused(name: str, place: str) -> None:
    """L13."""
    with pytest.raises(InvalidDefinition, match=re.escape(name)):
        Simulation(f'<process name="p">{place.format(name)}</process>')


def test_l23_a_result_shares_nothing_with_what_it_was_made_of() -> None:
    """L23: a participant that changes what it got does not change the context."""

    def spoil(copied: list[int]) -> dict[str, int]:
        copied.append(99)
        return {"n": len(copied)}

    text = """<process name="p">
      <context><property name="xs" type="json">[1]</property></context>
      <assign property="ys">xs</assign>
      <action participant="spoil"><input><field name="copied">xs</field></input></action>
    </process>"""
    simulation = Simulation(text, {"spoil": spoil})
    simulation.launch()

    assert simulation.fields == {"xs": [1], "ys": [1], "n": 2}


def _wide(inner: str) -> str:
    """A process with 90 branches, handlers around and in number 7."""
    actions = "".join(f'<sequence><action id="a{n}" participant="work"/></sequence>' for n in range(80))
    return f"""<process name="p">
      <sequence id="s">
        <faults><case code="X"><assign property="handled">1</assign></case></faults>
        <{inner} id="wide">
          {actions}
          <all id="deep">
            <faults><case code="Y"/></faults>
            {"".join(f'<action id="b{n}" participant="work"/>' for n in range(10))}
          </all>
        </{inner}>
      </sequence>
    </process>"""


def _ended(simulation: Simulation, what: str) -> list[str | None]:
    activities = simulation.definition.activities
    return [activities[e.activity or 0].id for e in simulation.trace if e.what == what and e.activity]


@pytest.mark.parametrize("restart", [False, True])
def test_d4_many_branches_end_with_the_scope_around_them_and_only_with_it(restart: bool) -> None:
    """D4 S9 L90: more branches than are loaded at once; some addresses begin like others."""
    simulation = Simulation(_wide("all"))
    simulation.launch()
    if restart:
        simulation.restart()

    simulation.throw("b1", "Y")
    deep = [id for id in _ended(simulation, "canceled") if id]
    if restart:
        simulation.restart()
    simulation.throw("a7", "X")

    assert deep == [f"b{n}" for n in range(10)]
    assert [id for id in _ended(simulation, "canceled") if id][10:] == [*(f"a{n}" for n in range(80)), "wide"]
    assert simulation.fields == {"handled": 1}
    simulation.assert_ended("completed")


@pytest.mark.parametrize("restart", [False, True])
def test_d4_many_branches_lose_a_race(restart: bool) -> None:
    """D4 S9: the same with the winner of an any."""
    simulation = Simulation(_wide("any"))
    simulation.launch()
    if restart:
        simulation.restart()

    simulation.answer("a1", {"x": 1})

    assert len([id for id in _ended(simulation, "canceled") if id]) == 79 + 10 + 1
    assert simulation.fields == {"x": 1}
    simulation.assert_ended("completed")


@pytest.mark.parametrize("restart", [False, True])
def test_d4_many_branches_are_joined(restart: bool) -> None:
    """D4 S9: every branch is counted once, whatever of them is loaded."""
    simulation = Simulation(_wide("all"))
    simulation.launch()
    for n in reversed(range(80)):
        if restart and n % 20 == 0:
            simulation.restart()
        simulation.answer(f"a{n}")
    for n in range(10):
        simulation.answer(f"b{n}", {f"x{n}": n})

    assert simulation.fields == {f"x{n}": n for n in range(10)}
    simulation.assert_ended("completed")


def test_l70_a_loop_without_a_body_is_a_runaway_and_not_a_hang() -> None:
    """L70: neither ends the engine's turn for ever."""
    text = """<process name="p">
      <sequence>
        <faults><case code="RunawayLoop"><assign property="caught">True</assign></case></faults>
        <while><condition>True</condition></while>
      </sequence>
    </process>"""
    simulation = Simulation(text, settings=Settings(limits=Limits(turns=5, max_transitions=50)))
    simulation.launch()

    assert simulation.fields == {"caught": True}
    simulation.assert_ended("completed")
