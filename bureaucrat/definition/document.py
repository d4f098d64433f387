"""From text to a tree of elements, hardened (L120). The only user of lxml.

Rules: nothing external is ever opened, no entity expanded; :mod:`bureaucrat.definition.markup` has refused what could
be large before lxml sees it; each element knows where it stands in the text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from lxml import etree

from .decoding import blank_declaration, check_characters
from .limits import ReadLimits
from .markup import Extent, Markup, look
from .report import Report, Source
from .syntax import mend, tell

_WHITE: Final = " \t\n"


@dataclass(slots=True)
class Text:
    """A piece of an element's own text that is not only white space."""

    text: str
    offset: int  #: where it begins, white space included


@dataclass(slots=True)
class Node:
    """One element; the checker adds what its attributes and text mean."""

    tag: str
    offset: int  #: of its ``<``
    line: int
    column: int
    attributes: dict[str, str]
    lead: str  #: all its text before its first child
    texts: list[Text] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)
    type: str = ""
    values: dict[str, Any] = field(default_factory=dict)  #: attributes, as the core keeps them
    content: Any = None  #: its text, as the core keeps it

    def of(self, *types: str) -> list[Node]:
        """Its children of these types."""
        return [child for child in self.children if child.type in types]


@dataclass(slots=True)
class Document:
    """The tree, and the digest of its canonical form."""

    root: Node
    hash: str


def parse(report: Report, limits: ReadLimits) -> Document:
    """The document in the report's source. Raises :class:`~bureaucrat.definition.problems.InvalidDefinition`.

    Where a ``<`` or ``&`` in an expression is all that keeps it from being XML, that is told, and reading goes on as
    if it were escaped.
    """
    check_characters(report)
    report.source = blank_declaration(report)
    return _parse(report, limits, may_mend=True)


def _parse(report: Report, limits: ReadLimits, may_mend: bool) -> Document:
    markup = look(report, limits)
    try:
        root = _tree(report.source)
    except etree.XMLSyntaxError as error:
        mended = mend(report) if may_mend else None
        if mended is None:
            tell(report, markup.oddity, str(error.msg), error.position)
            report.stop()
        report.source = mended
        return _parse(report, limits, may_mend=False)
    return _document(report.source, root, markup)


def _tree(source: Source) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    return etree.fromstring(source.text.encode(), parser)


def _document(source: Source, root: etree._Element, markup: Markup) -> Document:
    nodes = {}
    first: Node | None = None
    for element, extent in zip(root.iter(), markup.extents, strict=True):
        node = _node(source, element, extent)
        nodes[element] = node, extent.end
        parent = element.getparent()
        if parent is None:
            first = node
        else:
            nodes[parent][0].children.append(node)
    for element, (_, end) in nodes.items():
        parent = element.getparent()
        if parent is not None:
            _add_text(nodes[parent][0], element.tail, end)
    assert first is not None, "a document has a root"
    return Document(first, sha256(etree.tostring(root, method="c14n")).hexdigest())


def _node(source: Source, element: etree._Element, extent: Extent) -> Node:
    tag = element.tag.rpartition("}")[2]
    attributes = {str(name): str(value) for name, value in element.attrib.items()}
    node = Node(tag, extent.start, *source.place(extent.start), attributes, element.text or "")
    _add_text(node, element.text, extent.content)
    return node


def _add_text(node: Node, text: str | None, offset: int) -> None:
    if text and text.strip(_WHITE):
        node.texts.append(Text(text, offset))
