"""Finding the app of stream agents that a command line names, and what stands in it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from ..errors import BrokerUnavailable, BureaucratError
from ..streams import Agent, App, Record, Topic
from ..streams.records import models, options_of
from .failure import Exit, Failure
from .modules import load_module


def app_of(named: str | None) -> App:
    """The app of ``MODULE`` or ``MODULE:ATTRIBUTE``.

    :raises Failure: there is none.
    """
    if not named:
        raise Failure(Exit.INVALID, "which app?", "write    bureaucrat streams -A MODULE worker")
    module, _, attribute = named.partition(":")
    members = vars(load_module(module))
    if attribute:
        found = [members.get(attribute)]
    else:
        found = [members["app"]] if "app" in members else list({id(one): one for one in members.values()}.values())
    apps = [one for one in found if isinstance(one, App)]
    if len(apps) != 1:
        told = "no app" if not apps else f"{len(apps)} apps"
        raise Failure(Exit.NOT_STARTED, f"not started: {named} has {told}", "name it  -A MODULE:ATTRIBUTE")
    return apps[0]


def agent_of(app: App, named: str) -> Agent:
    """The agent of this name, or whose name ends so.

    :raises Failure: there is none, or several.
    """
    found = [one for name, one in app.agents.items() if name == named]
    found = found or [one for name, one in app.agents.items() if name.rpartition(".")[2] == named]
    if len(found) != 1:
        raise Failure(
            Exit.REFUSED, f"there is no agent {named}", f"there are {', '.join(sorted(app.agents)) or 'none'}"
        )
    return found[0]


def model_of(named: str) -> type[Record]:
    """The model of this namespace, or whose class is called so.

    :raises Failure: there is none, or several.
    """
    known = models()
    found = [one for one in known if named == options_of(one).namespace] or [
        one for one in known if one.__name__ == named
    ]
    if len(found) != 1:
        names = ", ".join(options_of(one).namespace for one in known) or "none"
        raise Failure(Exit.REFUSED, f"there is no model {named}", f"there are {names}")
    return found[0]


def entity_of(app: App, named: str, **shape: Any) -> Topic:
    """What is sent to: the topic of ``@agent``, or a topic.

    :raises Failure: there is no such agent, or it reads no topic.
    """
    if named.startswith("@"):
        channel = agent_of(app, named[1:]).channel
        if not isinstance(channel, Topic):
            raise Failure(Exit.REFUSED, f"agent {named[1:]} reads a channel in memory, which nobody else can send to")
        return channel
    return app.topics[named] if named in app.topics and not any(shape.values()) else Topic(app, named, **shape)


def read_value(text: str, type_: Any) -> Any:
    """A value that was typed: JSON, or a text; as the type of its topic."""
    from ..streams.records import converted

    try:
        value = json.loads(text)
    except ValueError:
        value = text
    return value if type_ is None or not isinstance(type_, type) else converted(value, type_)


async def with_app(app: App, work: Callable[[], Awaitable[Any]]) -> Any:
    """Do something with an app that is no worker, and disconnect.

    :raises Failure: the broker cannot be reached, or what is done is refused.
    """
    try:
        return await work()
    except BrokerUnavailable as error:
        raise unreachable(error) from error
    except BureaucratError as error:
        raise Failure(Exit.REFUSED, f"{type(error).__name__}: {error}") from error
    finally:
        await app.stop()


def unreachable(error: BureaucratError) -> Failure:
    """The broker cannot be used."""
    check = "check    rabbitmqctl status; the URL is that of App(broker=…), or in the environment BUREAUCRAT_AMQP_URL"
    return Failure(Exit.NOT_STARTED, f"not started: {error}", check)
