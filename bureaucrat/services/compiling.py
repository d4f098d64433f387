"""A workflow as a process.

The process has these properties: ``data``, what the next service gets; ``outputs``, what all so far have given, the
newest under each name; ``result``, what the last one gave; and ``callback``, who is told at the end. After each call
the result is compared with the declared outputs of the service; one that is missing or of another type ends the
instance with the fault ``BadOutput``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from .documents import Copy, Invalid, Service, Value, Workflow

FAULT: Final = "BadOutput"
PROCESS: Final = "workflow."  #: begins the names of processes
_RETRIES: Final = 3

#: Whether the text of a value looks as that of its type does: expressions know no types, and the first character tells.
_CHECKS: Final = {
    "string": "str({0}) == {0}",
    "number": "str({0}) != {0} and str({0})[0] in '-0123456789'",
    "integer": "str({0}) != {0} and str({0})[0] in '-0123456789' and '.' not in str({0}) and 'e' not in str({0})",
    "boolean": "{0} is True or {0} is False",
    "array": "str({0}) != {0} and str({0})[0] == '['",
    "object": "str({0}) != {0} and str({0})[0] == '{{'",
}


#: Whoever has given an address is told when all is done; the request is signed as every other.
_CALLBACK: Final = """  <switch id="tell">
    <case>
      <condition>callback != ""</condition>
      <action id="callback" participant="= callback" retries="8" result="result">
        <input>
          <field name="event-id">context["inst:id"]</field>
          <field name="status">"done"</field>
          <field name="outputs">outputs</field>
        </input>
      </action>
    </case>
    <default/>
  </switch>"""


def compiled(workflow: Workflow, services: Sequence[Service]) -> str:
    """The XML of a workflow's process.

    :param services: that it calls, in order; a service may come several times.
    :raises Invalid: a service needs what nothing before it gives.
    """
    known = dict(workflow.inputs)
    parts: list[str] = []
    for number, service in enumerate(services):
        before, after = (
            [one for one in workflow.operations if (one.service, one.apply) == (number, moment)]
            for moment in ("before", "after")
        )
        known = _copied(before, known, workflow)
        missing = sorted(service.inputs.keys() - known.keys())
        if missing:
            raise Invalid({"services": [f"{service.name} needs {', '.join(missing)}, which nothing before it gives."]})
        parts += [_assign("data", _copying(one, "data")) for one in before]
        parts += [_action(number, service, known), *_checks(number, service)]
        parts.append(_assign("outputs", "dict(list(outputs.items()) + list(result.items()))"))
        known = (known if number else {}) | service.outputs
        known = _copied(after, known, workflow)
        parts += [_assign("outputs", _copying(one, "outputs")) for one in after]
        parts.append(_assign("data", "outputs"))
    parts.append(_CALLBACK)
    body = "\n".join(parts)
    return f"""<process name={quoteattr(PROCESS + workflow.name)}>
  <context>
    <property name="data" type="json" required="yes"/>
    <property name="outputs" type="json">{{}}</property>
    <property name="result" type="json"/>
    <property name="callback" type="str"/>
  </context>
{body}
</process>
"""


def _copied(operations: Sequence[Copy], known: dict[str, Value], workflow: Workflow) -> dict[str, Value]:
    for one in operations:
        if one.source not in known:
            place = f"{one.apply} {workflow.services[one.service]}"
            raise Invalid({"operations": [f"{one.source} is copied {place}, and is not there."]})
        known = {**known, one.dest: known[one.source]}
    return known


def _copying(one: Copy, where: str) -> str:
    return f"dict(list({where}.items()) + [({json.dumps(one.dest)}, {where}[{json.dumps(one.source)}])])"


def _assign(name: str, expression: str) -> str:
    return f'  <assign property="{name}">{escape(expression)}</assign>'


def _action(number: int, service: Service, known: dict[str, Value]) -> str:
    id = quoteattr(f"{_word(service.name)}_{number}")
    fields = "".join(
        f"\n      <field name={quoteattr(name)}>data[{escape(json.dumps(name))}]</field>" for name in known
    )
    return f"""  <action id={id} participant={quoteattr(service.address)} result="result" retries="{_RETRIES}">
    <input>{fields}
    </input>
  </action>"""


def _word(name: str) -> str:
    """A name as a part of an id."""
    return "".join(one if one.isalnum() else "_" for one in name)


def _checks(number: int, service: Service) -> list[str]:
    """A switch that throws for the first output that is not as declared."""
    cases = [_case("str(result)[:1] != '{'", f"{service.name} has answered no object")]
    for name, value in service.outputs.items():
        key = json.dumps(name)
        found = f"result[{key}]"
        cases.append(_case(f"{key} not in result", f"{service.name} has answered without {name}"))
        check = _CHECKS[value.type].format(found)
        cases.append(_case(f"not ({check})", f"{service.name} has answered {name}, which is no {value.type}"))
    return [f'  <switch id="check_{number}">', *cases, "    <default/>", "  </switch>"]


def _case(condition: str, message: str) -> str:
    fault = f'<fault code="{FAULT}" message={quoteattr(message)}/>'
    return f"    <case><condition>{escape(condition)}</condition>{fault}</case>"
