"""Which items of parallel loops an address leads through; paths here are addresses without the instance."""

from __future__ import annotations


def item_of(path: str) -> str:
    """The innermost item that a path is in or names; empty: none."""
    dot = path.rfind(".")
    end = path.find("_", dot)
    return "" if dot < 0 else path if end < 0 else path[:end]


def outside(item: str) -> str:
    """The item around an item."""
    return item_of(item.rpartition(".")[0])


def is_around(branch: str, path: str) -> bool:
    """Whether a branch is where a path leads through."""
    return path.startswith(branch) and path[len(branch) :][:1] in ("", "_", ".")
