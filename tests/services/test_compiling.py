"""A workflow as a process, played in virtual time (W-016, W-017, W-018)."""

from __future__ import annotations

from typing import Any

import pytest

from bureaucrat.services.compiling import compiled
from bureaucrat.services.documents import Copy, Invalid, Service, Value, Workflow
from bureaucrat.testing import Simulation

TEXT = {"message": Value("string")}
UPPER = Service("upper", "http://h/upper", TEXT, TEXT)
SPACES = Service("spaces", "http://h/spaces", TEXT, {"spaces": Value("integer")})
LABEL = Service("label", "http://h/label", {"message": Value("string"), "original": Value("string")}, TEXT)


def played(workflow: Workflow, services: list[Service], answers: dict[str, Any], **data: Any) -> Simulation:
    """A run of the workflow in which each service answers as it is told."""
    simulation = Simulation(compiled(workflow, services), {one: answers[one] for one in answers})
    simulation.launch({"data": data})
    return simulation


def workflow(*services: Service, inputs: dict[str, Value] = TEXT, operations: tuple[Copy, ...] = ()) -> Workflow:
    return Workflow("w", [one.name for one in services], inputs, operations=list(operations))


def test_each_service_gets_what_those_before_it_gave_and_outputs_are_merged() -> None:
    """W-016: first the event's data, then the outputs so far; the newest value of a name counts."""
    sent: list[tuple[str, dict[str, Any]]] = []

    def upper(fields: dict[str, Any]) -> dict[str, Any]:
        sent.append(("upper", fields))
        return {"message": fields["message"].upper()}

    def spaces(fields: dict[str, Any]) -> dict[str, Any]:
        sent.append(("spaces", fields))
        return {"spaces": fields["message"].count(" "), "undeclared": True}

    services = [UPPER, SPACES, UPPER]
    run = played(workflow(*services), services, {"http://h/upper": upper, "http://h/spaces": spaces}, message="a b")

    run.assert_ended()
    assert run.fields["outputs"] == {"message": "A B", "spaces": 1, "undeclared": True}
    assert sent == [
        ("upper", {"message": "a b"}),
        ("spaces", {"message": "A B"}),
        ("upper", {"message": "A B", "spaces": 1}),
    ]


def test_operations_copy_values_before_and_after_calls() -> None:
    """W-018."""
    sent: list[dict[str, Any]] = []

    def label(fields: dict[str, Any]) -> dict[str, Any]:
        sent.append(fields)
        return {"message": f"{fields['message']} was {fields['original']}"}

    operations = (Copy("message", "original", "before", 0), Copy("message", "kept", "after", 0))
    run = played(
        workflow(LABEL, UPPER, operations=operations),
        [LABEL, UPPER],
        {"http://h/label": label, "http://h/upper": lambda message, kept: {"message": message.upper()}},
        message="x",
    )

    run.assert_ended()
    assert sent == [{"message": "x", "original": "x"}]
    assert run.fields["outputs"] == {"message": "X WAS X", "kept": "x was x"}


VALUES = {"string": "a", "number": -1.5, "integer": 7, "boolean": False, "array": [1], "object": {"a": 1}}


@pytest.mark.parametrize("declared", VALUES)
@pytest.mark.parametrize("given", VALUES)
def test_an_output_of_another_type_ends_the_workflow_and_names_it(declared: str, given: str) -> None:
    """W-017: all of them checked."""
    service = Service("one", "http://h/one", {}, {"found": Value(declared)})
    run = played(workflow(service, inputs={}), [service], {"http://h/one": lambda: {"found": VALUES[given]}})

    if given == declared or (given, declared) == ("integer", "number"):
        run.assert_ended()
    else:
        (incident,) = run.incidents()
        assert (incident.code, incident.message) == ("BadOutput", f"one has answered found, which is no {declared}")


@pytest.mark.parametrize(
    ("answer", "message"),
    [({}, "one has answered without found"), ([], "one has answered no object"), ("", "one has answered no object")],
)
def test_an_answer_without_an_output_ends_the_workflow(answer: Any, message: str) -> None:
    service = Service("one", "http://h/one", {}, {"found": Value("string")})
    run = played(workflow(service, inputs={}), [service], {"http://h/one": lambda: answer})

    assert [incident.message for incident in run.incidents()] == [message]


def test_a_service_is_asked_again_when_it_fails() -> None:
    """W-017."""
    calls: list[int] = []

    def flaky(message: str) -> dict[str, Any]:
        calls.append(len(calls))
        if len(calls) < 4:
            raise ConnectionError("not now")
        return {"message": message}

    run = played(workflow(UPPER), [UPPER], {"http://h/upper": flaky}, message="x")
    run.advance("1m")

    run.assert_ended()
    assert len(calls) == 4


def test_what_no_service_before_gives_is_refused_when_it_is_defined() -> None:
    with pytest.raises(Invalid) as invalid:
        compiled(workflow(SPACES, UPPER), [SPACES, UPPER])
    assert invalid.value.messages == {"services": ["upper needs message, which nothing before it gives."]}

    with pytest.raises(Invalid) as invalid:
        compiled(workflow(UPPER, operations=(Copy("nothing", "x", "after", 0),)), [UPPER])
    assert invalid.value.messages == {"operations": ["nothing is copied after upper, and is not there."]}


def test_at_the_end_an_address_is_told_if_one_was_given() -> None:
    """W-019."""
    service, told = Service("one", "http://h/one", {}, {"found": Value("string")}), []
    text = compiled(workflow(service, inputs={}), [service])
    run = Simulation(
        text, {"http://h/one": lambda: {"found": "x"}, "https://me/done": lambda fields: told.append(fields)}
    )

    id = run.launch({"data": {}, "callback": "https://me/done"})
    run.launch({"data": {}})

    assert told == [{"event-id": id, "status": "done", "outputs": {"found": "x"}}]


def test_names_and_addresses_never_become_markup() -> None:
    service = Service("a", "http://h/?a=1&b=<2>\"'", {}, {})
    text = compiled(Workflow("w", ["a"]), [service])

    assert Simulation(text, {service.address: lambda: {}}).launch({"data": {}})
