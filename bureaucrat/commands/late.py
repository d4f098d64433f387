"""Commands whose module is imported when they are used.

Rules: what a list of commands says is known without the command; everything else is the command's own.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click


class Late(click.Command):
    """Stands for a command until somebody calls it, or asks for its help or its options.

    :param module: the one of this package that has it.
    :param attribute: what it is called there, if not by its name.
    """

    def __init__(self, name: str, module: str, short_help: str, *, attribute: str | None = None) -> None:
        super().__init__(name, short_help=short_help)
        self._module = module
        self._attribute = attribute or name

    def load(self) -> click.Command:
        """The command itself."""
        command: click.Command = getattr(import_module(f".{self._module}", __package__), self._attribute)
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Begin it: what is parsed, shown and called from here on is the command itself."""
        return self.load().make_context(info_name, args, parent, **extra)
