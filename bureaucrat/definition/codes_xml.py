"""Explanations of BX1xx: the document cannot be read as XML at all, or holds what no definition may hold."""

from __future__ import annotations

from typing import Final

from .explanation import Explanation

_DECLARED: Final = '<?xml version="1.0" encoding="UTF-8"?>\n<process/>'
_FORBIDDEN: Final = (
    "Definitions come from people who may not be trusted with the engine's files and memory. DTDs and entities are how "
    "XML documents read files, open connections and grow a thousandfold, so none is read, not even a harmless one."
)

CODES: Final = {
    "BX101": Explanation(
        "The document is too large",
        "A definition may have 4 MiB unless the engine is configured otherwise. It is not parsed. Such a size is "
        "usually data that belongs in the fields of the start, or several processes in one: take parts out and start "
        "them with <call>.",
    ),
    "BX102": Explanation(
        "The document is not UTF-8",
        "Only UTF-8 is read, with or without a byte order mark. Other encodings are refused because the same bytes "
        "would mean something else to another reader. Save the file as UTF-8; the declaration says so or is left out.",
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<process/>',
        _DECLARED,
    ),
    "BX103": Explanation(
        "This is no XML",
        "The document is empty, its first character that is not white space is no <, or it is an HTML page. Perhaps "
        "the wrong file was sent, or JSON or YAML where the definition's text was meant.",
        '{"process": []}',
        "<process></process>",
    ),
    "BX104": Explanation(
        "A DOCTYPE is not allowed",
        f"{_FORBIDDEN} Remove the DOCTYPE. For checking in an editor there is an XSD.",
        "<!DOCTYPE process>\n<process/>",
        "<process/>",
    ),
    "BX105": Explanation(
        "An entity is not allowed",
        f"{_FORBIDDEN} Known are &lt; &gt; &amp; &quot; and &apos;. Write other characters as they are, or by number.",
        '<fault message="late&nbsp;again"/>',
        '<fault message="late&#160;again"/>',
    ),
    "BX106": Explanation(
        "A processing instruction is not allowed",
        "Text between <? and ?> is meant for other programs and nothing of it can have an effect here. The XML "
        "declaration looks like one: it is allowed, but only as the very first thing in the document.",
        '<?xml-stylesheet href="a.xsl"?>\n<process/>',
        "<process/>",
    ),
    "BX107": Explanation(
        "A foreign namespace is not allowed",
        "Elements and attributes of other vocabularies would be ignored by the engine, and what is ignored misleads. "
        "XInclude is one of them: nothing is ever included. The language's own namespace may be named as default or "
        "left out; attributes never have a prefix.",
        '<process xmlns:xi="http://www.w3.org/2001/XInclude">\n  <xi:include href="part.xml"/>\n</process>',
        '<process xmlns="urn:bureaucrat:process:1"/>',
    ),
    "BX108": Explanation(
        "There is too much of something",
        "The engine refuses documents that are nested deeper than 64 elements, have more than 100,000 activities, 64 "
        "attributes in one element or 64 Ki characters in one attribute (all configurable), and stops after 1,000 "
        "problems. Move a part into a process of its own and <call> it; put long text in a <property>.",
    ),
    "BX109": Explanation(
        "A character is not allowed in XML",
        "XML has no place for NUL and most other control characters, nor for halves of surrogate pairs, not even "
        "written by number. Remove it. In a JSON property it can be written as JSON does it.",
        '<fault message="&#1;"/>',
        '<fault message=""/>',
    ),
    "BX110": Explanation(
        'A "<" must be escaped',
        "In XML a < begins an element, in an expression, a text or an attribute, too. Write &lt; for it, turn the "
        "comparison round, or put the expression into a CDATA section.",
        "<condition>amount < 100</condition>",
        "<condition>amount &lt; 100</condition>\n<condition>100 > amount</condition>\n"
        "<condition><![CDATA[ amount < 100 ]]></condition>",
    ),
    "BX111": Explanation(
        'An "&" must be escaped',
        "In XML an & begins a reference such as &lt;. Write &amp; for the character itself. In an expression it is "
        "seldom what is meant: the boolean operator is and.",
        "<condition>paid && sent</condition>",
        "<condition>paid and sent</condition>",
    ),
    "BX112": Explanation(
        "Tags do not match",
        "Every element that is opened is closed, the innermost first. The message names the tag that is open and "
        "where.",
        '<sequence>\n  <action participant="a">\n</sequence>',
        '<sequence>\n  <action participant="a"/>\n</sequence>',
    ),
    "BX113": Explanation(
        "There is more than one root",
        "A document holds one process and nothing after it but comments. Give each process a file of its own.",
        '<process name="a"/>\n<process name="b"/>',
        '<process name="a"/>',
    ),
    "BX114": Explanation(
        "An attribute is there twice",
        "XML allows every attribute once in a tag. Remove one of them.",
        '<action participant="a" participant="b"/>',
        '<action participant="a"/>',
    ),
    "BX115": Explanation(
        "The XML declaration is malformed",
        "It names the version first, then the encoding. It may be left out altogether.",
        '<?xml encoding="UTF-8"?>\n<process/>',
        _DECLARED,
    ),
    "BX116": Explanation(
        "An attribute is malformed",
        'Attributes are written name="value", in single or double quotes, with white space between them.',
        "<delay duration=5m/>",
        '<delay duration="5m"/>',
    ),
    "BX117": Explanation(
        "A tag is not complete",
        "A tag runs from < to > and cannot hold another <. Usually a > or the second quote of an attribute is missing.",
        '<action participant="a"\n<exit/>',
        '<action participant="a"/>\n<exit/>',
    ),
    "BX118": Explanation(
        "A comment or CDATA section never ends",
        "A comment runs to -->, a CDATA section to ]]>. Without them the rest of the document would be swallowed.",
        "<!-- to do\n<process/>",
        "<!-- to do -->\n<process/>",
    ),
    "BX119": Explanation(
        "The document is not well-formed XML",
        "The parser gave up at this place for the reason it gives. Look at the line, and at the one before.",
    ),
}
