"""What participants answer, and what becomes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from service import MESSAGE, WORKITEM, Attempt, Client, Service, until

CATCH = (
    '<process name="catch"><context><property name="caught" type="json"/><faults><case code="{code}">'
    '<assign property="caught">context["inst:fault"]</assign></case></faults></context>'
    '<action id="ask" participant="{participant}"/></process>'
)


def one_action(participant: str, attributes: str = "") -> str:
    """A process of one action."""
    return f'<process name="one"><action id="ask" participant="{participant}" {attributes}/></process>'


def as_message(attempt: Attempt, token: str | None, **fields: Any) -> str:
    """The answer of a client of the old format."""
    target = attempt.header["target"]
    given = {} if token is None else {"inst:token": token}
    return json.dumps({"name": "response", "target": target, "origin": target, "payload": {**fields, **given}})


def test_an_error_is_tried_again_with_another_token_and_the_same_key(client: Client) -> None:
    """B-053: by the retries of the action; nothing of the failed answer is merged."""
    client.launch(one_action("retried", 'retries="2" delay="0"'), "retried-1")
    first = client.attempt("retried")
    first.answer(status="error", error="no paper", merged=True)
    second = client.attempt("retried")
    second.answer(status="done", printed=True)
    told = client.ended("retried-1")

    assert (first.header["attempt"], second.header["attempt"]) == (1, 2)
    assert first.header["key"] == second.header["key"]
    assert first.token != second.token
    assert first.fields == second.fields
    assert told["fields"] == {"printed": True}


def test_used_up_retries_are_an_incident(client: Client) -> None:
    """B-053: the instance goes on to run, and says what the participant said."""
    client.launch(one_action("broken"), "broken-1")
    client.attempt("broken").answer(status="error", error="no paper")

    until(lambda: client.ask("broken-1").get("incidents"), "there is an incident")

    told = client.ask("broken-1")
    (incident,) = told["incidents"]
    assert incident.pop("opened") >= told["started"]
    assert incident == {"address": "broken-1_0", "kind": "error", "code": "ActionError", "message": "no paper"}
    assert told["status"] == "running"


@pytest.mark.parametrize("code", [None, "CardRefused"])
def test_critical_throws_a_fault_that_a_handler_catches(client: Client, code: str | None) -> None:
    """B-054: ``ActionError``, or the code that the participant gives; the message is its ``error``."""
    name = f"critical-{code or 'none'}"
    client.launch(CATCH.format(code=code or "ActionError", participant=name), name)
    attempt = client.attempt(name)
    attempt.answer(status="critical", error="over the limit", **({} if code is None else {"code": code}))
    caught = client.ended(name)["fields"]["caught"]

    assert (caught["code"], caught["message"]) == (code or "ActionError", "over the limit")
    assert caught["activity"] == f"{name}_0"


def test_critical_without_a_handler_makes_the_instance_faulted(client: Client) -> None:
    """B-054, B-098: it stays as it is until a person decides."""
    client.launch(one_action("uncaught"), "uncaught-1")
    client.attempt("uncaught").answer(status="critical", error="over the limit", code="CardRefused")
    told = client.ended("uncaught-1", "faulted")

    assert (told["ended"], told["fault"]) == (None, {"code": "CardRefused", "message": "over the limit"})
    assert [(one["kind"], one["code"], one["message"]) for one in told["incidents"]] == [
        ("fault", "CardRefused", "over the limit")
    ]


@pytest.mark.parametrize("status", ["perhaps", 7, {"a": 1}, ""])
def test_an_unknown_status_is_an_incident(client: Client, status: Any) -> None:
    """B-055: that names it."""
    name = f"unknown-{str(status).strip('{}')[:3]}".replace("'", "")
    client.launch(one_action(name), name)
    client.attempt(name).answer(status=status)

    until(lambda: client.ask(name).get("incidents"), "there is an incident")

    (incident,) = client.ask(name)["incidents"]
    assert (incident["kind"], incident["code"]) == ("error", "BadAnswer")
    assert repr(status) in incident["message"]


def test_an_answer_without_a_status_means_done(client: Client) -> None:
    """B-055, as the language says (L31)."""
    client.launch(one_action("silent"), "silent-1")
    client.attempt("silent").answer(a=1)

    assert client.ended("silent-1")["fields"] == {"a": 1}


@pytest.mark.parametrize("kind", [MESSAGE, WORKITEM, "application/json", None], ids=str)
@pytest.mark.parametrize("format", ["workitem", "message"])
def test_an_answer_may_have_either_form_under_any_type(client: Client, kind: str | None, format: str) -> None:
    """B-050, B-051: the README publishes a message with the content type of a workitem."""
    name = f"{format}-{str(kind).rpartition('/')[2]}"
    client.launch(one_action(name), name)
    attempt = client.attempt(name)
    body = as_message(attempt, attempt.token, status="done", a=1)
    if format == "workitem":
        body = json.dumps({"header": attempt.header, "fields": {"a": 1}})
    client.publish("bureaucrat_msgs", body, kind)

    assert client.ended(name)["fields"] == {"a": 1}


def test_an_answer_without_a_token_is_taken(client: Client, service: Service) -> None:
    """B-051: existing participants know no tokens; the address tells, if an attempt waits there."""
    client.launch(one_action("untokened"), "untokened-1")
    attempt = client.attempt("untokened")
    client.publish("bureaucrat_msgs", as_message(attempt, None, status="done", a=1), MESSAGE)

    assert client.ended("untokened-1")["fields"] == {"a": 1}


def test_the_answer_to_an_earlier_attempt_counts_if_it_comes_first(client: Client) -> None:
    """L34: the later attempt is taken back or ignored."""
    client.launch(one_action("slow", 'timeout="0.3" retries="1" delay="0"'), "slow-1")
    first = client.attempt("slow")
    second = client.attempt("slow")
    first.answer(a=1)
    client.ended("slow-1")
    second.answer(a=2)

    assert client.ask("slow-1")["fields"] == {"a": 1}


def test_parallel_branches_do_not_overwrite_each_other(client: Client) -> None:
    """Defect 10 of the original: each answers the whole context, and only what it changed is written."""
    client.launch(
        '<process name="p"><context><property name="l" type="int">0</property><property name="r" type="int">0'
        '</property></context><all><action participant="left"/><action participant="right"/></all></process>',
        "parallel-1",
    )
    left, right = client.attempt("left"), client.attempt("right")
    left.answer(l=1)
    right.answer(r=1)

    assert client.ended("parallel-1")["fields"] == {"l": 1, "r": 1}


def test_an_action_deep_inside_is_answered(client: Client) -> None:
    """Its token holds the branch, and an id of 64 characters."""
    depth, id = 55, "i" * 64
    text = "<all><delay duration='0'/>" * depth + '<action participant="deep"/>' + "</all>" * depth
    client.launch(f'<process name="deep">{text}</process>', id)
    client.attempt("deep").answer(a=1)

    assert client.ended(id)["fields"] == {"a": 1}
