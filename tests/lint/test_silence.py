"""Comments that silence a warning."""

from __future__ import annotations

import pytest

from bureaucrat.definition import read
from bureaucrat.lint import warnings_of

FAULT = '<fault code="A"/>'


def told(text: str) -> list[str]:
    return [f"{one.line}:{one.column} {one.code}" for one in warnings_of(read(text))]


def idle(text: str) -> list[str]:
    """What is said of comments that silence nothing."""
    return [one.message for one in warnings_of(read(text)) if one.code == "BX590"]


@pytest.mark.parametrize(
    "comments",
    [
        "<!-- lint: off BX512 a person decides -->",
        "<!--lint: off BX512 a person decides-->\n   ",
        "<!-- lint: off BX512 a person\r\n decides -->\r\n<!-- about something else -->\r\n",
        "<!-- lint: off BX512 a -> b, c > d -->",
    ],
)
def test_a_comment_silences_the_warning_at_the_element_after_it(comments: str) -> None:
    assert told(f"<process>{comments}{FAULT}</process>") == []


def test_one_comment_silences_several_codes_and_several_comments_one_element() -> None:
    scope = '<context><property name="x" type="int"/></context>'
    one = f"<process><sequence>{scope}<!-- lint: off BX512, BX505 so be it -->{FAULT}</sequence></process>"
    case = f'<sequence><faults><case code="A"><exit/><!-- lint: off BX505 a -->\n<!-- lint: off BX512 b -->{FAULT}'

    assert told(one) == ["1:29 BX503", "1:70 BX590"]
    assert told(f"<process>{case}</case></faults><delay duration='1'/></sequence></process>") == []


def test_only_the_named_code_and_only_the_next_element_are_silenced() -> None:
    text = f'<process>\n<!-- lint: off BX512 why -->{FAULT}\n{FAULT}\n<await event="e"/>\n</process>'

    assert told(text) == ["3:1 BX512", "4:1 BX511"]


def test_a_property_and_a_handler_can_be_silenced_too() -> None:
    text = """<process>
      <context>
        <!-- lint: off BX503 clients show it -->
        <property name="x" type="int">5</property>
        <faults>
          <!-- lint: off BX517 an old client throws it -->
          <case code="Timeout"/>
        </faults>
      </context>
    </process>"""

    assert told(text) == []


@pytest.mark.parametrize(
    "comment",
    [
        "<!-- lint: off BX512 -->",
        "<!-- lint: of BX512 why -->",
        "<!-- lint: off 512 why -->",
        "<!-- lint: off -->",
        "<!-- lint: BX512 why -->",
    ],
)
def test_a_comment_that_is_not_understood_is_told(comment: str) -> None:
    """Without a reason it is none."""
    text = f"<process>{comment}{FAULT}</process>"

    assert told(text)[0] == "1:10 BX590"
    assert idle(text) == [
        "this comment silences nothing: write <!-- lint: off BX512 and why --> right before the element"
    ]


def test_a_comment_that_silences_nothing_is_told() -> None:
    text = "<process>\n<!-- lint: off BX511, BX512 why -->\n<exit/></process><!-- lint: off BX512 why -->"

    assert told(text) == ["2:1 BX590", "3:18 BX590"]
    assert idle(text)[0] == (
        "this comment silences no BX511, BX512: remove it, or write <!-- lint: off BX512 and why --> right before the "
        "element"
    )


def test_an_unused_code_of_several_is_told_by_itself() -> None:
    text = f"<process><!-- lint: off BX511, BX512 why -->{FAULT}</process>"

    assert [message[:42] for message in idle(text)] == ["this comment silences no BX511: remove it,"]


def test_a_comment_reaches_no_further_than_the_next_tag_or_text() -> None:
    behind = f"<process><sequence><!-- lint: off BX512 why --></sequence>{FAULT}</process>"
    before_text = f"<process><assign property='x'><!-- lint: off BX512 why -->1</assign>{FAULT}</process>"

    assert told(behind) == ["1:20 BX590", "1:59 BX512"]
    assert told(before_text) == ["1:31 BX590", "1:69 BX512"]


def test_an_ordinary_comment_and_a_cdata_section_mean_nothing() -> None:
    text = f"<process><!-- see lint: off BX512 --><assign property='x'><![CDATA['<!-- lint: off -->']]></assign>{FAULT}"

    assert [row.split()[1] for row in told(f"{text}</process>")] == ["BX512"]


def test_places_are_those_of_a_document_with_a_mark_and_other_line_ends() -> None:
    text = f"\ufeff<?xml version='1.0'?>\r\n<process>\r<!-- lint: off BX512 why -->{FAULT}</process>"

    assert told(text) == []
