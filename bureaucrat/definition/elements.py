"""The text of an element that a program has made, by lxml or by the standard library."""

from __future__ import annotations

from copy import copy
from xml.etree import ElementTree

from lxml import etree


def text_of(element: object) -> str | None:
    """The document that an element or a tree is; None if `element` is neither."""
    root = element.getroot() if hasattr(element, "getroot") else element
    if isinstance(root, ElementTree.Element):
        alone = copy(root)
        alone.tail = None
        return ElementTree.tostring(alone, encoding="unicode")
    if isinstance(root, etree._Element):
        return etree.tostring(root, encoding="unicode", with_tail=False)
    return None
