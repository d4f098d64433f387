"""Agents as programs: a module of settings says which there are, and each runs in a process of its own.

A module of settings has three dictionaries::

    BUS = {"main": {"backend": "bureaucrat.agents.tools.amqp.AMQPSignalBus", "dsn": "amqp://localhost/"}}
    BROKER = {"main": {"backend": "bureaucrat.agents.tools.amqp.AMQPBroker", "dsn": "amqp://localhost/"}}
    AGENT = {"user_agent": {"backend": "shop.agents.UserAgent", "bus": "main", "broker": "main", "restart": "one"}}

Other keys become arguments of the constructors. ``restart`` is for whoever supervises: ``all`` (the default: when this
agent ends, all end) or ``one`` (it is begun again alone).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, Final

from .agent import MicroAgent
from .hooks import ServerInterrupt
from .supervisor import AgentsManager, Configuration, GroupInterrupt

__all__ = [
    "AgentsManager",
    "Configuration",
    "GroupInterrupt",
    "ServerInterrupt",
    "init_agent",
    "load_configuration",
    "run",
]

#: Modules written for the original name its back ends so.
_ORIGINAL: Final = "microagent."


def load_configuration(config_path: str) -> Iterator[Configuration]:
    """The agents of a module of settings: ``(name, (backend, configuration))`` of each.

    :param config_path: the module's dotted name.
    :raises ImportError: there is no such module.
    :raises ValueError: something in it is missing; the text says what, and where.
    """
    module = import_module(config_path)
    agents = getattr(module, "AGENT", None)
    if not isinstance(agents, dict) or not agents:
        raise ValueError(f'{config_path} has no agents; write AGENT = {{"name": {{"backend": "module.Class"}}}}')
    for name, given in agents.items():
        where = f"{config_path}: AGENT[{name!r}]"
        if not isinstance(given, dict) or "backend" not in given:
            raise ValueError(f'{where} has no backend; write "backend": "module.Class"')
        cfg = dict(given)
        for key, table in (("bus", "BUS"), ("broker", "BROKER")):
            if key in cfg:
                cfg[key] = _named(module, table, cfg[key], f"{where}[{key!r}]")
        yield name, (cfg.pop("backend"), cfg)


def _named(module: object, table: str, name: object, where: str) -> dict[str, Any]:
    known = getattr(module, table, {})
    if name not in known:
        names = ", ".join(map(repr, known)) or "none"
        raise ValueError(f"{where} is {name!r}, and {table} has {names}")
    found = known[name]
    if not isinstance(found, dict) or "backend" not in found:
        raise ValueError(f'{where}: {table}[{name!r}] has no backend; write "backend": "module.Class"')
    return dict(found)


def init_agent(backend: str, cfg: dict[str, Any]) -> MicroAgent:
    """Make an agent, its bus and its broker; it is not started.

    :raises ImportError: a backend cannot be imported.
    :raises Exception: whatever a constructor raises.
    """
    arguments = {key: value for key, value in cfg.items() if key != "restart"}
    for key in ("bus", "broker"):
        if isinstance(arguments.get(key), dict):
            given = dict(arguments[key])
            arguments[key] = _imported(given.pop("backend"))(**given)
    agent: MicroAgent = _imported(backend)(**arguments)
    return agent


def _imported(path: str) -> Any:
    if path.startswith(_ORIGINAL):
        path = f"bureaucrat.agents.{path.removeprefix(_ORIGINAL)}"
    module, _, name = path.rpartition(".")
    if not module:
        raise ImportError(f"{path!r} is no backend; write module.Class")
    try:
        return getattr(import_module(module), name)
    except AttributeError:
        raise ImportError(f"{module} has no {name}") from None


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the agents of modules of settings until they end, or a signal ends them: ``run(["shop.settings"])``.

    :returns: the exit code.
    """
    parser = argparse.ArgumentParser(description="Run microagents")
    parser.add_argument("modules", metavar="MODULE_PATH", nargs="+", help="dotted name of a module of settings")
    modules = parser.parse_args(arguments).modules
    found = [one for module in modules for one in load_configuration(module)]
    code = AgentsManager(found, modules=modules).start()
    sys.stdout.write("Exit\n")
    return code
