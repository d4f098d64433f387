"""The grammar as an XSD, for editors (L122).

Rules:

- ``process.xsd`` beside this file is what :func:`schema` gives; a test compares them, so neither is forgotten.
- Where XSD 1.0 cannot say what the reader knows, the schema is the looser: it takes every definition that the reader
  takes. It says nothing about how often most children may stand, what the text of a property holds, or whether an
  expression is one.
- A definition without a namespace is described by ``process.xsd``, one of ours by ``process-namespace.xsd``, which is
  the same in that namespace.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from .grammar import ACTIVITIES, ELEMENTS, NAMESPACE, ROOT, Attribute, Content, Element, Kind
from .values import MOST_FACTOR, MOST_NAME, MOST_PRIORITY, MOST_TIMES

_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>'
_ABOUT: Final = (
    "The process definition language of Bureaucrat, for editors. It is made of the grammar that the reader obeys; what "
    "it cannot say, `bureaucrat lint` does."
)
_SPACE: Final = r"[\s\p{Z}&#x85;]*"
_ANY: Final = r"[\s\S]*"
_NUMBER: Final = r"[0-9]+(\.[0-9]+)?"
_SHORT: Final = "".join(f"({_NUMBER}{unit})?" for unit in ("w", "d", "h", "m", "s", "ms"))
_ISO: Final = (
    f"P({_NUMBER}W)?({_NUMBER}D)?(T({_NUMBER}H)?({_NUMBER}M)?({_NUMBER}S)?)?"  # a T alone is refused by the reader
)

#: What the type of each kind of attribute is called; a choice has its words in place.
_KINDS: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind.LABEL: "xs:string",
        Kind.WORD: "word",
        Kind.FIELD: "text",
        Kind.PROPERTY: "text",
        Kind.PATH: "text",
        Kind.CODES: "text",
        Kind.LIST: "xs:string",
        Kind.FLAG: "flag",
        Kind.COUNT: "count",
        Kind.TIMES: "times",
        Kind.FACTOR: "factor",
        Kind.PLACES: "places",
        Kind.DURATION: "duration",
        Kind.EXPRESSION: "text",
        Kind.CRON: "text",
        Kind.ZONE: "text",
        Kind.TEXT_VALUE: "text",
        Kind.MESSAGE_VALUE: "xs:string",
        Kind.PARTICIPANT_VALUE: "word-or-expression",
        Kind.PROCESS_VALUE: "text",
        Kind.PRIORITY_VALUE: "priority-or-expression",
        Kind.DURATION_VALUE: "duration-or-expression",
        Kind.PERIOD_VALUE: "duration-or-expression",
        Kind.INSTANT_VALUE: "text",
        Kind.SELECTION: "text",
        Kind.KEY: "text",
    }
)

#: Name, base and facets of each simple type.
_SIMPLE: Final = (
    ("text", "xs:string", (("pattern", rf"{_ANY}\S{_ANY}"),)),
    ("expression", "xs:string", (("pattern", rf"\s*={_ANY}"),)),
    ("word", "xs:string", (("pattern", rf"\S{{1,{MOST_NAME}}}"),)),
    ("flag", "xs:token", tuple(("enumeration", word) for word in ("yes", "no", "true", "false", "1", "0"))),
    ("count", "xs:integer", (("minInclusive", "0"), ("maxInclusive", str(MOST_TIMES)))),
    ("times", "xs:integer", (("minInclusive", "1"), ("maxInclusive", str(MOST_TIMES)))),
    ("factor", "xs:decimal", (("minInclusive", "1"), ("maxInclusive", str(MOST_FACTOR)))),
    ("priority", "xs:integer", (("minInclusive", "0"), ("maxInclusive", str(MOST_PRIORITY)))),
    ("yes-or-no", "xs:token", (("enumeration", "yes"), ("enumeration", "no"))),
    ("duration", "text", tuple(("pattern", f"{_SPACE}{form}{_SPACE}") for form in (_NUMBER, _SHORT, _ISO))),
)
#: Name and members of each union.
_UNIONS: Final = (
    ("places", "yes-or-no xs:positiveInteger"),
    ("word-or-expression", "word expression"),
    ("priority-or-expression", "priority expression"),
    ("duration-or-expression", "duration expression"),
)


def schema() -> str:
    """The text of ``process.xsd``."""
    lines = [
        _HEAD,
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified">',
        f"  <xs:annotation><xs:documentation>{_ABOUT}</xs:documentation></xs:annotation>",
        *_root(),
        *_activities(),
        *(line for name, element in ELEMENTS.items() for line in _type(name, element)),
        *(line for one in _SIMPLE for line in _simple(*one)),
        *(line for name, members in _UNIONS for line in _union(name, members)),
        "</xs:schema>",
    ]
    return "\n".join(lines) + "\n"


def schema_in_namespace() -> str:
    """The text of ``process-namespace.xsd``."""
    lines = [
        _HEAD,
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"',
        f'           xmlns="{NAMESPACE}" targetNamespace="{NAMESPACE}" elementFormDefault="qualified">',
        '  <xs:include schemaLocation="process.xsd"/>',
        "</xs:schema>",
    ]
    return "\n".join(lines) + "\n"


def schema_files() -> tuple[str, str]:
    """Where the two schemas lie: without a namespace, and in ours."""
    folder = files(__package__)
    return str(folder / "process.xsd"), str(folder / "process-namespace.xsd")


def _root() -> Iterator[str]:
    yield f'  <xs:element name="{ROOT}" type="{ROOT}">'
    yield '    <xs:unique name="ids"><xs:selector xpath=".|.//*"/><xs:field xpath="@id"/></xs:unique>'
    yield "  </xs:element>"


def _activities() -> Iterator[str]:
    yield '  <xs:group name="activities">'
    yield "    <xs:choice>"
    for tag in sorted(ACTIVITIES):
        yield f'      <xs:element name="{tag}" type="{tag}"/>'
    yield "    </xs:choice>"
    yield "  </xs:group>"


def _type(name: str, element: Element) -> Iterator[str]:
    attributes = [_attribute(key, one) for key, one in element.attributes.items()]
    children = element.children
    is_text = element.content is not Content.NONE
    if is_text and not children:
        base = "text" if element.content is Content.EXPRESSION else "xs:string"
        yield f'  <xs:complexType name="{name}">'
        yield f'    <xs:simpleContent><xs:extension base="{base}">'
        yield from attributes
        yield "    </xs:extension></xs:simpleContent>"
        yield "  </xs:complexType>"
        return
    mixed = ' mixed="true"' if is_text else ""
    yield f'  <xs:complexType name="{name}"{mixed}>'
    if children or element.activities:
        least = int(any(one.least for one in children.values()))
        yield f'    <xs:choice minOccurs="{least}" maxOccurs="unbounded">'
        yield from (f'      <xs:element name="{tag}" type="{one.type}"/>' for tag, one in children.items())
        if element.activities:
            yield '      <xs:group ref="activities"/>'
        yield "    </xs:choice>"
    yield from attributes
    yield "  </xs:complexType>"


def _attribute(name: str, attribute: Attribute) -> str:
    use = ' use="required"' if attribute.required else ""
    if attribute.kind is not Kind.CHOICE:
        return f'    <xs:attribute name="{name}" type="{_KINDS[attribute.kind]}"{use}/>'
    words = "".join(f'<xs:enumeration value="{choice}"/>' for choice in attribute.choices)
    inside = f'<xs:simpleType><xs:restriction base="xs:token">{words}</xs:restriction></xs:simpleType>'
    return f'    <xs:attribute name="{name}"{use}>{inside}</xs:attribute>'


def _simple(name: str, base: str, facets: tuple[tuple[str, str], ...]) -> Iterator[str]:
    yield f'  <xs:simpleType name="{name}">'
    yield f'    <xs:restriction base="{base}">'
    yield from (f'      <xs:{facet} value="{value}"/>' for facet, value in facets)
    yield "    </xs:restriction>"
    yield "  </xs:simpleType>"


def _union(name: str, members: str) -> Iterator[str]:
    yield f'  <xs:simpleType name="{name}"><xs:union memberTypes="{members}"/></xs:simpleType>'
