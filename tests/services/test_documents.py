"""Services and workflows as JSON, in both forms (W-007, W-010…W-013, W-018)."""

from __future__ import annotations

from typing import Any

import pytest

from bureaucrat.services.documents import (
    Copy,
    Invalid,
    Service,
    Value,
    Workflow,
    document_of,
    is_of,
    mismatches,
    service_of,
    workflow_of,
)

TEXT = Value("string", "the text")
UPPER = Service("upper", "http://h:5000/event", {"message": TEXT}, {"message": Value("string")})


def test_a_service_is_read_in_the_form_of_the_repository() -> None:
    """W-010."""
    given = {
        "name": "upper",
        "address": "http://h:5000/event",
        "inputs": [{"name": "message", "type": "string", "description": "the text"}],
        "outputs": [{"name": "message", "type": "string"}],
        "created_at": "2026-11-27",
    }

    assert service_of(given) == UPPER


def test_a_service_is_read_in_the_form_of_the_readme() -> None:
    """W-011."""
    spec = {
        "inputs": {"message": {"type": "string", "description": "the text"}},
        "outputs": {"message": {"type": "string"}},
    }

    assert service_of({"name": "upper", "address": "http://h:5000/event", "spec": spec}) == UPPER


WORKFLOW = Workflow("text", ["upper", "upper"], {"message": TEXT}, {"message": Value("number")})


def test_a_workflow_is_read_in_both_forms_and_what_is_unknown_is_passed_over() -> None:
    """W-012, W-013."""
    inputs, outputs = (
        [{"name": "message", "type": "string", "description": "the text"}],
        {"message": {"type": "number"}},
    )
    bare = {"services": ["upper", "upper"], "inputs": inputs, "outputs": outputs, "operations": []}

    assert workflow_of({"name": "text", **bare, "more": 1}) == WORKFLOW
    assert workflow_of({"name": "text", "spec": {**bare, "operations": {}}}) == WORKFLOW


def test_what_was_read_is_kept_as_json_and_read_again() -> None:
    workflow = Workflow("w", ["a", "b"], operations=[Copy("x", "y", "after", 1)])

    assert service_of(document_of(UPPER)) == UPPER
    assert workflow_of(document_of(workflow)) == workflow


def operation(**changed: Any) -> dict[str, Any]:
    return {"type": "copy", "source": "message", "dest": "original", "apply": "before", "service": "0", **changed}


@pytest.mark.parametrize(("service", "number"), [("0", 0), (1, 1), ("reverse", 1), ("upper", 0)])
def test_an_operation_names_its_service_by_place_or_name(service: Any, number: int) -> None:
    """W-018."""
    found = workflow_of({"name": "w", "services": ["upper", "reverse"], "operations": [operation(service=service)]})

    assert found.operations == [Copy("message", "original", "before", number)]


@pytest.mark.parametrize(
    ("given", "messages"),
    [
        ([], {"_schema": ["Invalid input type."]}),
        ("text", {"_schema": ["Invalid input type."]}),
        (
            {},
            {
                "name": ["Missing data for required field."],
                "address": ["Missing data for required field."],
            },
        ),
        ({"name": 1, "address": ""}, {"name": ["Not a valid string."], "address": ["Not a valid string."]}),
        (
            {"name": "a b", "address": "ftp://h"},
            {
                "name": ["Write 1 to 100 letters, digits, '_', '.' and '-'."],
                "address": ["Not a valid URL: write http://HOST/PATH or https://HOST/PATH."],
            },
        ),
        (
            {"name": "a", "address": "http://u:p@h/", "more": 1},
            {
                "address": ["Not a valid URL: write http://HOST/PATH or https://HOST/PATH."],
                "more": ["Unknown field."],
            },
        ),
        ({"name": "a", "address": "http://h", "spec": []}, {"spec": ["Not an object."]}),
        (
            {"name": "a", "address": "http://[h", "inputs": 1},
            {
                "address": ["Not a valid URL: write http://HOST/PATH or https://HOST/PATH."],
                "inputs": ["Not a list or an object."],
            },
        ),
        (
            {"name": "a", "address": "http://h", "inputs": [{"type": "string"}, 5], "outputs": {"b": {"type": "text"}}},
            {
                "inputs": ["Each has a name: letters, digits, '_' and '-'."] * 2,
                "outputs.b": ["Its type is one of string, number, integer, boolean, array, object."],
            },
        ),
        (
            {"name": "a", "address": "http://h", "inputs": {f"n{one}": "int" for one in range(101)}},
            {"inputs": ["At most 100 are allowed."]},
        ),
    ],
)
def test_everything_that_is_wrong_with_a_service_is_told_by_field(given: Any, messages: dict[str, list[str]]) -> None:
    """W-007, W-010."""
    with pytest.raises(Invalid) as invalid:
        service_of(given)

    assert invalid.value.messages == messages


@pytest.mark.parametrize(
    ("given", "messages"),
    [
        ({"name": "w"}, {"services": ["Missing data for required field."]}),
        ({"name": "w", "services": [1]}, {"services": ["Not a list of names or ids."]}),
        ({"name": "w", "services": []}, {"services": ["Name 1 to 100 services."]}),
        ({"name": "w", "services": ["a"], "operations": "b"}, {"operations": ["Not a list."]}),
        (
            {"name": "w", "services": ["a"], "operations": [{}, operation(type="move", service=3)]},
            {
                "operations.0": ["It has type, source, dest, apply, service."],
                "operations.1": [
                    "Its type is copy.",
                    "service is the place of a service in the list, from 0, or its name.",
                ],
            },
        ),
        (
            {"name": "w", "services": ["a"], "operations": [operation(apply="then", dest="a b", source=1)]},
            {"operations.0": ["apply is before or after.", "source is no name.", "dest is no name."]},
        ),
    ],
)
def test_everything_that_is_wrong_with_a_workflow_is_told_by_field(given: Any, messages: dict[str, list[str]]) -> None:
    """W-007, W-012, W-018."""
    with pytest.raises(Invalid) as invalid:
        workflow_of(given)

    assert invalid.value.messages == messages


GOOD = {"string": "a", "number": 1.5, "integer": 1, "boolean": True, "array": [], "object": {}}


@pytest.mark.parametrize("kind", GOOD)
def test_a_value_is_of_its_type_and_of_no_other(kind: str) -> None:
    assert {name: is_of(GOOD[kind], name) for name in GOOD} == {
        name: name == kind or (kind, name) == ("integer", "number") for name in GOOD
    }
    assert not is_of(None, kind)


def test_data_that_does_not_match_is_told_by_field() -> None:
    """W-014."""
    values = {"a": Value("string"), "b": Value("integer"), "c": Value("array")}

    assert mismatches(values, {"a": "x", "b": 1, "c": []}) == {}
    assert mismatches(values, {"a": 1, "b": True, "d": None}) == {
        "a": ["Not a valid string."],
        "b": ["Not a valid integer."],
        "c": ["Missing data for required field."],
        "d": ["Unknown field."],
    }
