"""Good definitions, and the whole table the core gets of them (L1)."""

from __future__ import annotations

from typing import Any

import pytest
from documents import EVERYTHING, ORIGINAL, accepted, process

from bureaucrat.core import activities as core
from bureaucrat.core.activity import Activity, Property, Value
from bureaucrat.core.retries import RetryPolicy
from bureaucrat.core.table import Address, Definition
from bureaucrat.core.triggers import CronStart, EventStart
from bureaucrat.cron import UTC, Cron, zone_of
from bureaucrat.definition import read


def table(definition: Definition) -> list[tuple[str, str, str, int, int, tuple[int, ...]]]:
    return [(a.tag, a.path, a.tail, a.parent, a.slot, a.children) for a in definition.activities]


def of(definition: Definition, path: str) -> Any:
    return definition.activities[definition.paths[path]]


def source(value: Value | None) -> Any:
    assert value is not None
    return value.expression.source if value.expression else value.literal


def test_paths_count_activities_only_and_tails_begin_anew_in_each_branch() -> None:
    definition = accepted(
        """
        <all>
          <delay duration="1"/>
          <sequence><context/><delay duration="1"/><exit/><action participant="a"/></sequence>
        </all>
        <any><while><condition>a</condition><any><exit/></any></while></any>
        """
    )

    assert table(definition) == [
        ("process", "", "", -1, 0, (1, 7)),
        ("all", "_0", "_0", 0, 0, (2, 3)),
        ("delay", "_0_0", "", 1, 0, ()),
        ("sequence", "_0_1", "", 1, 1, (4, 5, 6)),
        ("delay", "_0_1_0", "_0", 3, 0, ()),
        ("exit", "_0_1_1", "_1", 3, 1, ()),
        ("action", "_0_1_2", "_2", 3, 2, ()),
        ("any", "_1", "_1", 0, 1, (8,)),
        ("while", "_1_0", "", 7, 0, (9,)),
        ("any", "_1_0_0", "_0", 8, 0, (10,)),
        ("exit", "_1_0_0_0", "", 9, 0, ()),
    ]


def test_cases_and_default_of_a_switch_are_its_children() -> None:
    definition = accepted(
        """
        <switch>
          <case><condition>a</condition><exit/></case>
          <case><condition>b</condition><condition>c</condition></case>
          <default><delay duration="1"/></default>
        </switch>
        """
    )

    assert table(definition) == [
        ("process", "", "", -1, 0, (1,)),
        ("switch", "_0", "_0", 0, 0, (2, 4, 5)),
        ("case", "_0_0", "_0_0", 1, 0, (3,)),
        ("exit", "_0_0_0", "_0_0_0", 2, 0, ()),
        ("case", "_0_1", "_0_1", 1, 1, ()),
        ("case", "_0_2", "_0_2", 1, 2, (6,)),
        ("delay", "_0_2_0", "_0_2_0", 5, 0, ()),
    ]
    switch = of(definition, "_0")
    assert [[one.source for one in conditions] for conditions in switch.cases] == [["a"], ["b", "c"], []]
    assert [of(definition, f"_0_{n}").conditions for n in range(3)] == list(switch.cases)


def test_handlers_are_blocks_beside_the_children_and_the_default_is_asked_last() -> None:
    definition = accepted(
        """
        <sequence>
          <context><faults><default/><case code="A , B"><exit/></case></faults></context>
          <delay duration="1"><faults><case code="Timeout"><exit/></case></faults></delay>
        </sequence>
        """
    )

    assert table(definition) == [
        ("process", "", "", -1, 0, (1,)),
        ("sequence", "_0", "_0", 0, 0, (2,)),
        ("delay", "_0_0", "_0_0", 1, 0, ()),
        ("block", "_0_0_faults_0", "_0_0_faults_0", 2, 0, (4,)),
        ("exit", "_0_0_faults_0_0", "_0_0_faults_0_0", 3, 0, ()),
        ("block", "_0_faults_0", "_0_faults_0", 1, 0, ()),
        ("block", "_0_faults_1", "_0_faults_1", 1, 1, (7,)),
        ("exit", "_0_faults_1_0", "_0_faults_1_0", 6, 0, ()),
    ]
    assert [(one.codes, one.body) for one in of(definition, "_0").handlers] == [(("A", "B"), 6), ((), 5)]
    assert [(one.codes, one.body) for one in of(definition, "_0_0").handlers] == [(("Timeout",), 3)]


def test_a_handler_inside_a_branch_has_the_tail_of_its_owner() -> None:
    definition = accepted(
        "<all><sequence><context><faults><default><exit/></default></faults></context></sequence></all>"
    )

    assert table(definition)[2:] == [
        ("sequence", "_0_0", "", 1, 0, ()),
        ("block", "_0_0_faults_0", "_faults_0", 2, 0, (4,)),
        ("exit", "_0_0_faults_0_0", "_faults_0_0", 3, 0, ()),
    ]


def test_a_reminder_is_a_branch_of_its_own() -> None:
    definition = accepted(
        """
        <action participant="a">
          <reminder after="2d"/>
          <reminder after="=patience" every="1d"><sequence><exit/></sequence></reminder>
          <reminder after="2d" every="2d" times="5"/>
          <reminder after="1" times="1"/>
        </action>
        """
    )

    assert table(definition) == [
        ("process", "", "", -1, 0, (1,)),
        ("action", "_0", "_0", 0, 0, ()),
        ("block", "_0_reminders_0", "", 1, 0, ()),
        ("block", "_0_reminders_1", "", 1, 1, (4,)),
        ("sequence", "_0_reminders_1_0", "_0", 3, 0, (5,)),
        ("exit", "_0_reminders_1_0_0", "_0_0", 4, 0, ()),
        ("block", "_0_reminders_2", "", 1, 2, ()),
        ("block", "_0_reminders_3", "", 1, 3, ()),
    ]
    assert [activity.is_reminder for activity in definition.activities] == [False, False, True, True, False, False] + [
        True
    ] * 2
    reminders = of(definition, "_0").reminders
    assert [(one.body, source(one.after), one.every and one.every.literal, one.times) for one in reminders] == [
        (2, 172_800.0, None, 1),
        (3, "patience", 86_400.0, 0),
        (6, 172_800.0, 172_800.0, 5),
        (7, 1.0, None, 1),
    ]


@pytest.mark.parametrize("text", [EVERYTHING, ORIGINAL], ids=["everything", "original"])
def test_the_table_agrees_with_itself(text: str) -> None:
    definition = read(text)

    assert definition.paths == {activity.path: activity.index for activity in definition.activities}
    assert len(definition.paths) == len(definition.activities)
    for index, activity in enumerate(definition.activities):
        assert activity.index == index
        assert activity.path.endswith(activity.tail)
        for slot, child in enumerate(activity.children):
            assert (definition.activities[child].parent, definition.activities[child].slot) == (index, slot)
        for slot, part in enumerate(activity.reminders):
            body = definition.activities[part.body]
            assert (body.parent, body.slot, body.tail, body.tag) == (index, slot, "", "block")
        for handler in activity.handlers:
            body = definition.activities[handler.body]
            assert (body.parent, body.tag, body.path) == (index, "block", f"{activity.path}_faults_{body.slot}")
        if activity.compensation is not None:
            body = definition.activities[activity.compensation]
            assert (body.parent, body.tag, body.path) == (index, "compensation", f"{activity.path}_compensation_0")
        branch = activity.path.removesuffix(activity.tail)
        assert definition.locate(activity.path) == Address(branch, index)
        assert definition.root_of(branch).tail == ""


def test_everything_the_language_has_reaches_the_core() -> None:
    definition = read(EVERYTHING, file="processes/order.xml")

    assert (definition.name, definition.file, definition.source) == ("everything", "processes/order.xml", EVERYTHING)
    assert (source(definition.business_key), definition.unique) == ("context['order_id']", True)
    root = definition.activities[0]
    assert (root.id, root.line, source(root.timeout), source(root.due)) == ("root", 3, 2_592_000.0, 172_800.0)
    assert definition.ids["nag"] == definition.paths["_0_0_reminders_0"]
    assert [activity.label for activity in definition.activities[:3]] == ["root", "first", "charge"]


def test_properties_are_parsed_by_their_types() -> None:
    definition = read(EVERYTHING)

    assert definition.activities[0].scope == (
        Property("order_id", "str", None, True, 6),
        Property("amount", "int", 12, False, 7),
        Property("rate", "float", 0.5, False, 8),
        Property("open", "bool", True, False, 9),
        Property("lines", "json", [{"price": 1}, {"price": 2}], False, 10),
        Property("note", "str", " two words ", False, 11),
    )
    assert definition.activities[0].declares == {"order_id", "amount", "rate", "open", "lines", "note"}
    assert definition.missing({"amount": 1}) == ["order_id"]
    assert of(definition, "_faults_1").scope == (Property("inner", "int", None, False, 15),)


def test_a_foreach_declares_its_alias_and_opens_no_scope_without_a_context() -> None:
    definition = read(EVERYTHING)

    first, second = of(definition, "_3"), of(definition, "_4")

    assert (first.select.source, first.alias, first.collect, first.item_value.source) == (
        "context['lines']",
        "line",
        "prices",
        "line['price']",
    )
    assert first.declares == {"price", "line"}
    assert first.scope == (Property("price", "float", None, False, 48),)
    assert (second.select.source, second.alias, second.collect, second.item_value) == ("lines[:1]", None, None, None)
    assert (second.declares, second.scope) == (frozenset(), None)


def test_only_what_has_a_context_opens_a_scope_and_the_process_always_does() -> None:
    definition = accepted("<sequence><context/></sequence><sequence/>")

    assert [activity.scope for activity in definition.activities] == [(), (), None]


def test_an_action_has_all_its_settings() -> None:
    charge = of(read(EVERYTHING), "_0_0")

    assert charge.participant == Value("celery:shop.tasks.charge")
    assert charge.policy == RetryPolicy(3, 2.0, 1.5, 60.0, False)
    assert (source(charge.timeout), charge.exhausted, charge.arguments) == ("amount", "fault", "kwargs")
    assert (charge.result, charge.priority, charge.form) == ("receipt", Value(9), ())
    assert (charge.given.all, [(one.name, one.expression.source) for one in charge.given.fields]) == (
        True,
        [("total", "amount * 2")],
    )
    assert [(one.name, one.expression.source) for one in charge.output.fields] == [("amount", 'answer["amount"]')]


def test_an_action_without_settings_has_the_cores_defaults() -> None:
    action = of(accepted('<action participant="a"/>'), "_0")

    assert action == core.Action(index=1, path="_0", tail="_0", parent=0, line=1, participant=Value("a"))


def test_an_empty_input_sends_nothing_and_none_sends_all() -> None:
    definition = accepted('<action participant="a"><input/></action><action participant="a"/>')

    assert (of(definition, "_0").given.fields, of(definition, "_0").given.all) == ((), False)
    assert of(definition, "_1").given is None


def test_a_form_keeps_its_fields() -> None:
    action = of(read(EVERYTHING), "_0_1")

    assert action.form == (
        {"name": "answer_text", "type": "str", "label": "answer_text", "required": False},
        {"name": "colour", "type": "text", "label": "Which colour?", "required": True, "choices": ["red", "green"]},
    )
    assert (source(action.participant), source(action.priority)) == ("note", "amount")


def test_waits_have_their_settings() -> None:
    definition = read(EVERYTHING)

    paid, other = of(definition, "_3_0_1_0"), of(definition, "_3_0_1_1")

    assert (paid.event, paid.key, paid.equals.source, paid.property) == (Value("paid"), "order.id", "order_id", "body")
    assert ([one.source for one in paid.conditions], paid.since) == (['event["amount"] > 0'], "start")
    assert (source(other.event), other.since, other.key, other.conditions) == ("note", "turn", None, ())
    assert of(accepted('<await event="e"/>'), "_0").since == "wait"


def test_delays_have_one_end() -> None:
    definition = read(EVERYTHING)

    assert (of(definition, "_1_0_0").duration, of(definition, "_1_0_0").until) == (Value(90.0), None)
    assert (of(definition, "_1_1_0").duration, of(definition, "_1_1_0").until) == (None, Value(1_795_255_200.0))
    assert source(of(definition, "_3_0_1_2").until) == "now()"


@pytest.mark.parametrize(
    ("until", "seconds"),
    [
        ("2026-11-21T10:00Z", 1795255200),
        ("2026-11-21T11:00+01:00", 1795255200),
        ("2026-11-21 10:00Z", 1795255200),
        ("1795255200", 1795255200),
        (" 0.5 ", 0.5),
        ("-1", -1),
    ],
)
def test_an_instant_is_a_timestamp_or_seconds(until: str, seconds: float) -> None:
    assert of(accepted(f'<delay until="{until}"/>'), "_0").until == Value(seconds)


def test_a_zone_is_that_of_what_says_none() -> None:
    delays = accepted("""
      <delay until="2026-11-21T11:00" timezone="Europe/Berlin"/>
      <delay until="2026-11-21T11:00+02:00" timezone=" Europe/Berlin "/>
      <delay until="=when" timezone="Europe/Berlin"/>
      <delay cron=" 0  9 * * 1-5 " timezone="Europe/Berlin"/>
      <delay cron="0 9 * * 1-5"/>
    """)
    berlin = zone_of("Europe/Berlin")
    assert berlin is not None

    written, with_zone, computed, cron, in_utc = (of(delays, f"_{number}") for number in range(5))

    assert (written.until, with_zone.until) == (Value(1795255200.0), Value(1795251600.0))
    assert (source(computed.until), computed.zone) == ("when", berlin)
    assert (cron.cron, cron.until, cron.duration) == (Cron("0 9 * * 1-5", berlin), None, None)
    assert (in_utc.cron, written.cron) == (Cron("0 9 * * 1-5", UTC), None)


def test_starts_are_of_the_definition_and_are_no_activities() -> None:
    definition = read("""<process name="p">
      <start cron=" 0  2 * * * " timezone="Europe/Berlin" overlap="queue" missed="all"/>
      <start event=" placed "><condition>event["a"]</condition><condition>b</condition></start>
      <start cron="0 3 * * *"/>
      <start event="paid"/>
      <delay duration="1"/>
    </process>""")
    berlin = zone_of("Europe/Berlin")
    assert berlin is not None

    placed, paid = definition.event_starts

    assert definition.schedules == (
        CronStart("0 2 * * *", "Europe/Berlin", Cron("0 2 * * *", berlin), "queue", "all"),
        CronStart("0 3 * * *", "UTC", Cron("0 3 * * *", UTC), "skip", "once"),
    )
    assert (placed.event, [one.source for one in placed.conditions]) == ("placed", ['event["a"]', "b"])
    assert paid == EventStart("paid")
    assert [activity.path for activity in definition.activities] == ["", "_0"]
    assert (read("<process/>").schedules, read("<process/>").event_starts) == ((), ())


def test_a_race_knows_what_to_call_its_winner() -> None:
    race = of(read(EVERYTHING), "_3_0_1")

    assert (race.labels, race.winner) == (("paid", "await", "delay"), "won")
    assert of(accepted("<any/>"), "_0").labels == ()


def test_a_call_names_a_registered_process() -> None:
    by_name, computed = of(read(EVERYTHING), "_9"), of(read(EVERYTHING), "_10")

    assert (by_name.process, by_name.variable) == (Value("part@2"), None)
    assert (computed.process.expression.source, computed.variable) == ("note", None)


def test_a_call_names_the_property_that_holds_the_text() -> None:
    call, bare = of(read(EVERYTHING), "_5"), of(read(ORIGINAL), "_4")

    assert (call.variable, call.timeout) == ("text", Value(3_600.0))
    assert [one.name for one in call.given.fields] == ["order_id"]
    assert [(one.name, one.expression.source) for one in call.output.fields] == [("amount", 'answer["amount"]')]
    assert (bare.variable, bare.given.fields, bare.given.all, bare.output.fields) == ("proc", (), False, ())


def test_signals_faults_and_exits_have_their_values() -> None:
    definition = read(EVERYTHING)

    signal, fault, leave = (of(definition, f"_{n}") for n in (6, 7, 8))

    assert source(signal.event) == "note"
    assert [(one.name, one.expression.source) for one in signal.body.fields] == [("status", "amount")]
    assert (source(fault.code), fault.message) == ("note", Value("because"))
    assert (leave.target, leave.outcome) == (0, None)
    assert (of(read(ORIGINAL), "_8").code, of(read(ORIGINAL), "_8").message) == (Value("terminate"), Value(""))


def test_an_exit_finds_the_activity_it_ends() -> None:
    definition = accepted(
        '<sequence id="a"><all id="b"><exit scope="a"/><exit scope="b" outcome="done"/></all></sequence>'
    )

    assert (of(definition, "_0_0_0").target, of(definition, "_0_0_0").outcome) == (1, None)
    assert (of(definition, "_0_0_1").target, of(definition, "_0_0_1").outcome) == (2, Value("done"))


def test_an_exit_in_a_handler_may_end_the_scope_around() -> None:
    definition = accepted('<sequence id="a"><faults><default><exit scope="a"/></default></faults></sequence>')

    assert of(definition, "_0_faults_0_0").target == 1


def test_definitions_of_the_original_are_accepted_unchanged() -> None:
    definition = read(ORIGINAL)

    assert definition.name == "legacy"
    assert [one.source for one in of(definition, "_2").conditions] == [
        'context["counter"] < 4',
        'workitem.fields["ready"] is True',
    ]
    assert definition.activities[0].initial() == {
        "counter": 0,
        "ready": False,
        "price": 1.5,
        "title": "hello",
        "prop": {"subkey": [1, 2]},
    }
    assert of(definition, "_6").select.source == "context['prop']['subkey']"


def test_expressions_know_the_line_they_begin_on() -> None:
    definition = accepted("\n<assign property='x'>\n\n  <!-- why -->\n  1 +\n 2</assign>\n<delay\n duration='=3'/>")

    assert (of(definition, "_0").expression.line, of(definition, "_0").expression.source) == (5, "1 +\n 2")
    assert of(definition, "_1").duration.expression.line == 8


def test_lines_are_right_beyond_the_parsers_65535() -> None:
    definition = accepted("\n" * 70_000 + "<exit/>")

    assert of(definition, "_0").line == 70_001


@pytest.mark.parametrize(
    ("attributes", "file", "name"),
    [
        (' name="order"', "processes/other.xml", "order"),
        ("", "processes/order.xml", "order"),
        (' name=""', "order.bpmn.xml", "order.bpmn"),
        ("", "", "process"),
    ],
)
def test_the_name_is_the_attribute_or_the_stem_of_the_file(attributes: str, file: str, name: str) -> None:
    assert read(process("", attributes), file=file).name == name


def test_a_definition_from_nowhere_is_called_process() -> None:
    assert read("<process/>").name == "process"


def test_the_key_may_be_an_expression() -> None:
    definition = accepted("", " key=\"=order['id']\"")

    assert (source(definition.business_key), definition.unique) == ("order['id']", False)
    assert accepted("").business_key is None


def test_the_hash_is_of_the_canonical_form() -> None:
    one = read('<?xml version="1.0"?><process name="a" key="b"><!-- x --><exit/></process>')
    same = read(b"\xef\xbb\xbf<process  key='b' name='&#97;'><exit></exit></process>\n<!-- y -->\n")
    other = read('<process name="a" key="c"><exit/></process>')

    assert one.hash == same.hash
    assert len(one.hash) == 64
    assert one.hash != other.hash


def test_the_source_reads_the_same_again() -> None:
    definition = read(EVERYTHING.replace("\n", "\r\n").encode())

    again = read(definition.source)

    assert again.hash == definition.hash == read(EVERYTHING).hash
    assert "\r\n" in definition.source


def test_a_prefix_for_our_namespace_is_fine() -> None:
    definition = read('<b:process xmlns:b="urn:bureaucrat:process:1"><b:exit/><any xmlns=""><exit/></any></b:process>')

    assert [activity.tag for activity in definition.activities] == ["process", "exit", "any", "exit"]
    assert of(definition, "_1").labels == ("exit",)


def test_text_may_say_any_encoding_for_it_is_decoded_already() -> None:
    definition = read('<?xml version="1.0" encoding="latin-1" standalone="yes"?>\n<process name="übung"/>')

    assert (definition.name, definition.activities[0].line) == ("übung", 2)


def test_a_declaration_and_a_mark_are_fine() -> None:
    text = "\ufeff<?xml version='1.0' encoding='utf-8' ?><process name='ü'/>"

    assert read(text.encode()).name == read(text).name == "ü"


def test_every_activity_of_the_core_has_a_maker() -> None:
    made: set[type[Activity]] = {type(activity) for activity in read(EVERYTHING).activities}

    assert made == {*core.ACTIVITIES.values(), core.Process, core.Block, core.Case, core.Compensation}


def test_the_address_of_a_compensation_that_runs_names_its_branch() -> None:
    """The number behind it is that of what is remembered; items around it have theirs, too."""
    definition = accepted(
        '<foreach select="=[1]" parallel="yes"><delay duration="1"><compensation><delay duration="1"/><all>'
        '<delay duration="1"/></all></compensation></delay></foreach>'
    )
    body, first, inner = (definition.paths["_0_0_compensation_0" + path] for path in ("", "_0", "_1_0"))

    branch = "_0.3_0_compensation_0.7"

    assert definition.locate(branch) == Address(branch, body)
    assert definition.locate(branch + "_0") == Address(branch, first)
    assert definition.locate(branch + "_1_0") == Address(branch + "_1_0", inner)
    assert definition.address("i", branch, first) == f"i{branch}_0"
    assert definition.root_of(branch).index == body
