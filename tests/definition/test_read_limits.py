"""How large a document may be (L120): exactly as large as allowed, and one larger."""

from __future__ import annotations

from documents import process, refused

from bureaucrat.definition import ReadLimits, read


def test_the_limits_are_those_of_the_language_unless_they_are_set() -> None:
    limits = ReadLimits()

    assert (limits.document_bytes, limits.depth, limits.activities, limits.attributes) == (4 << 20, 64, 100_000, 64)


def test_a_document_of_four_mebibytes_is_read_and_one_byte_more_is_not() -> None:
    text = b"<process><!--" + b"x" * ((4 << 20) - 26) + b"--></process>"

    assert len(text) == 4 << 20
    assert len(read(text).activities) == 1
    assert refused(text + b"\n") == [
        "1:1 BX101 the document has 4,194,305 bytes; 4,194,304 are allowed: split it with <call>"
    ]


def test_elements_stand_64_deep_and_no_deeper() -> None:
    def nested(levels: int) -> str:
        return process("<all>" * (levels - 1) + "</all>" * (levels - 1))

    assert len(read(nested(64)).activities) == 64
    assert refused(nested(65)) == [
        "1:325 BX108 <all> is inside 64 other elements; 64 levels are allowed: "
        "move an inner part to a process of its own"
    ]


def test_an_element_has_64_attributes_and_no_more() -> None:
    """There is none that has as many of its own; of 64 each is told, of 65 their number."""
    tags = [f"<exit {' '.join(f'a{n}=' + repr('1') for n in range(count))}/>" for count in (64, 65)]

    fits, large = (refused(process(tag)) for tag in tags)

    assert [row.split()[1] for row in fits] == ["BX302"] * 64
    assert large == ["1:10 BX108 <exit> has 65 attributes; 64 are allowed: remove some"]
