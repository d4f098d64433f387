"""Options that stand before a command or after it, and the settings they lead to."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import ConfigurationError
from .failure import Exit, Failure

if TYPE_CHECKING:
    from ..config import Config

_Function = TypeVar("_Function", bound=Callable[..., Any])

CONFIG_HELP = "Path to the config file."


@dataclass(frozen=True, slots=True)
class Common:
    """What was given before the command."""

    config: Path | None = None


def config_option(function: _Function) -> _Function:
    """``-c/--config FILE`` of a command; what was given before the command counts if it is not given here."""
    option = click.option(
        "-c",
        "--config",
        "config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        callback=_or_common,
        help=CONFIG_HELP,
    )
    return option(function)


def _or_common(context: click.Context, parameter: click.Parameter, given: Path | None) -> Path | None:
    if given is not None:
        return given
    common = context.find_object(Common)
    return common.config if common else None


def settings(config: Path | None, code: Exit = Exit.INVALID) -> Config:
    """The settings in force, for a command.

    :raises Failure: with `code` and every problem.
    """
    from ..config import load

    try:
        return load(config, os.environ)
    except ConfigurationError as error:
        raise Failure(code, *problem_lines(error)) from error


def problem_lines(error: ConfigurationError) -> list[str]:
    """What is wrong with the settings, for people: the only problem, or a heading and all of them."""
    if len(error.problems) == 1:
        return list(error.problems)
    return [f"the settings have {len(error.problems)} problems", *error.problems]
