"""All rules, and what they find in a definition."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from bureaucrat.core.table import Definition
from bureaucrat.definition.problems import Problem

from .facts import Facts, Finding
from .rules_faults import fault_is_not_handled, timeout_never_comes
from .rules_flow import (
    activity_never_runs,
    case_never_runs,
    process_calls_itself,
    race_goes_on_after_the_wait,
    wait_has_no_end,
)
from .rules_names import (
    branches_write_the_same,
    item_sends_everything,
    items_write_the_same,
    name_is_a_literal_elsewhere,
    name_is_gone,
    property_is_never_read,
)
from .silence import silenced

Rule = Callable[[Facts], Iterator[Finding]]

RULES: Final[tuple[Rule, ...]] = (
    branches_write_the_same,
    items_write_the_same,
    property_is_never_read,
    process_calls_itself,
    activity_never_runs,
    case_never_runs,
    wait_has_no_end,
    fault_is_not_handled,
    race_goes_on_after_the_wait,
    item_sends_everything,
    timeout_never_comes,
    name_is_gone,
    name_is_a_literal_elsewhere,
)


def warnings_of(definition: Definition) -> list[Problem]:
    """Every warning that no comment silences, in the order of the lines."""
    facts = Facts(definition)
    found = silenced((finding for rule in RULES for finding in rule(facts)), definition.source)
    return [Problem(definition.file, *finding, severity="warning") for finding in sorted(found)]
