"""What expressions may not eat, and that they depend on nothing but what they read (language, L22, L23)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import tracemalloc
from typing import Any

import pytest

from bureaucrat.core.expressions import Expression, compile_expression
from bureaucrat.core.faults import Thrown

NOW = 0.0
LONG = "ab" * 400_000
CONTEXT: dict[str, Any] = {"numbers": list(range(100_000)), "long": LONG, "long2": LONG[:-1] + "c"}

DAG = "[0]"
for _ in range(12):
    DAG = f"[(v, v, v, v, v, v, v, v, v, v) for v in {DAG}]"
SLOW = [
    "[[x for x in numbers] for y in numbers]",
    f"{DAG} == {DAG}",
    f"sorted({DAG} + {DAG})",
    f"f'{{{DAG}}}'",
    DAG,
    f"{DAG} in {DAG}",
    f"len({{{DAG}: 1}})",
    "sorted([long, long2] * 300000)",
    "max([long, long2] * 100000)",
    "[x for x in numbers if long == long2]",
    "[x for x in numbers if long2 in [long, long]]",
    "[x for x in numbers if 'ab' * 45 + 'c' in long[:30000]]",
    "[long.split('b') for x in numbers]",
    "[long.replace('ab', 'c') for x in numbers]",
    "[long.strip('a' * 500000 + 'b') for x in numbers]",
    "[long.startswith(long2) for x in numbers]",
    "len([1 ** x for y in [2 ** 4095] for x in [y] * 200000])",
    "len([3 // x for y in [2 ** 4095] for x in [y] * 200000])",
    "len([x // y for y in [2 ** 2000 + 1] for x in [y * y] * 200000])",
    "len([str(x) for y in [2 ** 4095] for x in [y] * 200000])",
    "len([round(x, -600) for y in [2 ** 4095] for x in [y] * 200000])",
    "len({x * (2 ** 61 - 1) for x in range(300000)})",
    "len({x << 43 for x in range(300000)})",
    "len({x * 2.0 ** 61 for x in range(300000)})",
    "len({(a, b) for a in [-1, -2] for b in [-1, -2]})",
    "sum([[x] for x in numbers], [])",
    "sorted(set(range(200000)))",
    "len([seconds('1h30m') for x in numbers])",
    "len([iso(x) for x in numbers])",
    "len([f'{x}{x}{x}{x}' for x in numbers])",
    "len([" + " or ".join(["x < 0"] * 90) + " for x in numbers])",
    "any(" + " or ".join(["x < 0"] * 90) + " for x in numbers)",
    "len([0 for x in numbers if x * x * x * x + x * x < 0])",
]
LARGE = [
    "[long.upper() for x in numbers]",
    "len([{'k': x} for x in range(160000)])",
    "len([[x] for x in range(330000)])",
    "len([x + 1 for x in range(490000)])",
    "len([-x for y in [2 ** 4000] for x in [y] * 200000])",
    "len(dict([[str(x), x] for x in numbers]))",
    "len(zip(numbers, numbers, numbers, numbers))",
    "len(list(enumerate(range(240000))))",
    "len([('\U0001f600' + long)[x:] for x in range(1000)])",
]


@pytest.mark.parametrize("source", SLOW)
def test_no_expression_takes_long(source: str) -> None:
    """Each ends within a second or, while coverage is measured, within five; with a result or a fault."""
    expression = compile_expression(source)
    started = time.process_time()

    _attempt(expression)

    assert time.process_time() - started < 5.0


@pytest.mark.parametrize("source", LARGE)
def test_no_expression_takes_much_memory(source: str) -> None:
    """Each ends within 64 MiB, with a result or a fault."""
    expression = compile_expression(source)
    tracemalloc.start()

    _attempt(expression)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20


def _attempt(expression: Expression) -> None:
    try:
        expression(CONTEXT, NOW)
    except Thrown:
        return


def test_two_processes_with_other_hashes_give_equal_results() -> None:
    """Sets of texts have another order in each."""
    source = """[[x for x in set(words)], str(set(words)), f"{[set(words)]}", list(set(words) | {"é", 1, None}),
                 [a for a, b in [{"p", "q"}]], ",".join(set(words)), dict(zip(set(words), set(words))),
                 min({"b", "a"}), sum({0.1, 0.2, 0.3, 1e16, -1e16})]"""
    program = f"""
import json
from bureaucrat.core.expressions import compile_expression
print(json.dumps(compile_expression({source!r})({{"words": [str(n) for n in range(50)]}}, 0.0)))
"""

    outputs = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2", "3")
    ]

    assert outputs[0] == outputs[1] == outputs[2]
    assert json.loads(outputs[0])[4] == ["p"]
