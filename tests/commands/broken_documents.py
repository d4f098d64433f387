"""Definitions as people get them wrong, one mistake each; what lint says of them is in golden/lint-broken.txt."""

from __future__ import annotations

from typing import Final

_ACTION: Final = '<action participant="worker:charge"/>'


def _process(inside: str, attributes: str = ' name="order"') -> str:
    return f"<process{attributes}>\n  {inside}\n</process>\n"


def _handled(case: str) -> str:
    return _process(f"<sequence>\n    <faults>{case}</faults>\n    {_ACTION}\n  </sequence>")


def _declared(property: str) -> str:
    return _process(f"<context>\n    {property}\n  </context>\n  {_ACTION}")


#: Names of files, and what they hold.
BROKEN: Final[dict[str, str | bytes]] = {
    # names
    "tag-misspelt": _process('<actoin participant="worker:charge"/>'),
    "tag-of-another-language": _process('<serviceTask name="charge"/>'),
    "tag-in-capitals": _process('<Action participant="worker:charge"/>'),
    "tag-plural": _process("<sequences/>"),
    "root-in-capitals": "<Process/>\n",
    "root-of-bpmn": '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"/>\n',
    "root-is-an-activity": f"<sequence>{_ACTION}</sequence>\n",
    "attribute-misspelt": _process('<action participant="worker:charge" timout="5m"/>'),
    "attribute-in-capitals": _process('<action Participant="worker:charge"/>'),
    "attribute-of-a-neighbour": _process('<delay timeout="5m"/>'),
    "attribute-of-old-times": _process('<action participant="worker:charge" retry="3"/>'),
    "attribute-where-a-child-belongs": _process('<while condition="x"><delay duration="1s"/></while>'),
    "attribute-missing": _process("<action/>"),
    "select-missing": _process(f'<foreach as="line">{_ACTION}</foreach>'),
    "type-missing": _declared('<property name="amount">5</property>'),
    # values
    "duration-in-words": _process('<delay duration="30 minutes"/>'),
    "duration-in-braces": _process('<delay duration="${patience}"/>'),
    "duration-of-a-month": _process('<delay duration="1mo"/>'),
    "duration-negative": _process('<action participant="worker:charge" timeout="-5s"/>'),
    "yes-or-no-in-capitals": _declared('<property name="x" type="str" required="True"/>'),
    "count-in-words": _process('<action participant="worker:charge" retries="three"/>'),
    "choice-misspelt": _process('<action participant="worker:charge" exhausted="incidnet"/>'),
    "type-of-another-language": _declared('<property name="amount" type="integer">5</property>'),
    "type-of-json": _declared('<property name="lines" type="list">[]</property>'),
    "participant-with-a-space": _process('<action participant="celery: shop.charge"/>'),
    "id-with-a-space": _process('<exit id="the end"/>'),
    "date-of-a-country": _process('<delay until="21.11.2026 10:00"/>'),
    "version-in-words": _process('<call process="invoice@latest"/>'),
    "property-no-number": _declared('<property name="amount" type="int">ten</property>'),
    "property-bool-of-python": _declared('<property name="open" type="bool">True</property>'),
    "property-json-of-python": _declared('<property name="lines" type="json">{\'a\': None}</property>'),
    "property-json-comma": _declared('<property name="lines" type="json">[1, 2,]</property>'),
    "property-json-nan": _declared('<property name="rate" type="json">{"rate": NaN}</property>'),
    "property-json-key-twice": _declared('<property name="rate" type="json">{"a": 1, "a": 2}</property>'),
    "property-reserved": _declared('<property name="status" type="str"/>'),
    "property-named-like-a-function": _declared('<property name="sum" type="int">0</property>'),
    "codes-with-a-comma-too-many": _handled('<case code="Timeout,"/>'),
    # expressions
    "expression-assignment": _process("<while><condition>amount = 100</condition></while>"),
    "expression-and-of-c": _process("<while><condition>paid &amp;&amp; sent</condition></while>"),
    "expression-not-of-c": _process("<while><condition>!paid</condition></while>"),
    "expression-attribute": _process('<foreach select="=order.lines"/>'),
    "expression-null": _process("<while><condition>card is null</condition></while>"),
    "expression-unknown-function": _process('<assign property="n">length(lines)</assign>'),
    "expression-import": _process("<assign property=\"n\">__import__('os').system('ls')</assign>"),
    "expression-with-a-sign": _process('<assign property="n">=amount + 1</assign>'),
    "expression-unclosed": _process('<assign property="n">max(amount, 1</assign>'),
    "expression-empty": _process('<assign property="n"></assign>'),
    "less-than-bare": _process("<while><condition>amount < 100</condition></while>"),
    "less-than-with-a-comment": _process("<while><condition>amount < 100 <!-- cents --></condition></while>"),
    "less-than-in-an-attribute": _process('<delay duration="=1 if amount < 100 else 2"/>'),
    "ampersand-bare": _process('<assign property="company">"Marks & Spencer"</assign>'),
    # structure
    "id-twice": _process('<exit id="end"/>\n  <exit id="end"/>'),
    "property-twice": _declared('<property name="a" type="int"/>\n    <property name="a" type="str"/>'),
    "case-behind-the-default": _process(
        "<switch>\n    <default/>\n    <case><condition>paid</condition></case>\n  </switch>"
    ),
    "case-without-a-condition": _process(f"<switch><case>{_ACTION}</case></switch>"),
    "case-in-the-process": _process("<case><condition>paid</condition></case>"),
    "activity-in-a-switch": _process(f"<switch>{_ACTION}</switch>"),
    "activity-in-an-activity": _process(f'<delay duration="1s">{_ACTION}</delay>'),
    "faults-with-activities": _handled(_ACTION),
    "context-in-an-action": _process('<action participant="worker:charge"><context/></action>'),
    "exit-of-a-misspelt-scope": _process('<sequence id="payment"><exit scope="paymnet"/></sequence>'),
    "exit-of-a-scope-beside": _process('<sequence id="payment"/>\n  <exit scope="payment"/>'),
    "text-between": _process(f"then charge the card\n  {_ACTION}"),
    "delay-of-two-kinds": _process('<delay duration="1s" until="2026-11-21T10:00Z"/>'),
    # XML
    "empty": "",
    "white": "\n\n",
    "json-instead": '{"process": {"name": "order"}}\n',
    "yaml-instead": "process:\n  name: order\n",
    "python-instead": "def order():\n    return 1 < 2\n",
    "html-pasted": "<!DOCTYPE html>\n<html><head><title>order</title></head></html>\n",
    "html-without-doctype": "<html><body><p>404 Not Found</body></html>\n",
    "html-of-a-chat": "&lt;process name=&quot;order&quot;&gt;&lt;/process&gt;\n",
    "quotes-of-a-word-processor": _process("<action participant=“worker:charge”/>"),
    "dtd-with-entities": '<!DOCTYPE process [<!ENTITY x "y">]>\n<process name="&x;"/>\n',
    "entity-of-html": _process('<fault message="late&nbsp;again"/>'),
    "processing-instruction": '<?xml-stylesheet href="a.xsl"?>\n<process/>\n',
    "declaration-late": '\n<?xml version="1.0"?>\n<process/>\n',
    "foreign-namespace": _process('<bpmn:task xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"/>'),
    "schema-location": (
        '<process xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="process.xsd"/>\n'
    ),
    "tag-unclosed": '<process>\n  <sequence>\n    <action participant="a"/>\n</process>\n',
    "tag-of-the-wrong-name": "<process>\n  <sequence>\n  </sequense>\n</process>\n",
    "tag-without-an-end": '<process>\n  <action participant="a"\n  <exit/>\n</process>\n',
    "quote-missing": '<process>\n  <action participant="a/>\n  <exit/>\n</process>\n',
    "attribute-without-quotes": _process("<delay duration=5m/>"),
    "attribute-twice": _process('<delay duration="5m" duration="6m"/>'),
    "comment-unclosed": "<process>\n  <!-- to do\n  <exit/>\n</process>\n",
    "comment-with-dashes": "<process>\n  <!-- to -- do -->\n  <exit/>\n</process>\n",
    "conflict-of-git": "<process>\n<<<<<<< HEAD\n  <exit/>\n=======\n  <exit id='e'/>\n>>>>>>> branch\n</process>\n",
    "two-processes": "<process name='a'/>\n<process name='b'/>\n",
    "cut-off": "<process>\n  <sequence>\n    <action partici",
    "latin-1": '<?xml version="1.0" encoding="ISO-8859-1"?>\n<process name="gr\xfc\xdfe"/>\n'.encode("latin-1"),
    "latin-1-undeclared": '<process name="gr\xfc\xdfe"/>\n'.encode("latin-1"),
    "utf-16": '<process name="order"/>\n'.encode("utf-16"),
    "mark-and-text": "\ufeffname: order\n",
    "null-character": b"<process>\x00</process>\n",
    "picture": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "nested-too-deep": "<process>" + "<sequence>" * 64 + "</sequence>" * 64 + "</process>\n",
    "too-many-attributes": _process("<exit " + " ".join(f'a{n}="1"' for n in range(65)) + "/>"),
}
