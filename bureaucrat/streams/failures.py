"""What goes wrong with stream agents; each is named by who must act."""

from __future__ import annotations

from ..errors import BureaucratError


class ImproperlyConfigured(BureaucratError):
    """An app, an agent or a topic cannot be as it was declared. Its author has to change it."""


class AgentError(BureaucratError):
    """The agent that was asked has failed; so does who asked.

    :param agent: its name.
    :param kind: the class of what it raised, ``ValueError``.
    :param message: what that said.
    """

    def __init__(self, agent: str, kind: str, message: str) -> None:
        super().__init__(agent, kind, message)
        self.agent = agent
        self.kind = kind
        self.message = message

    def __str__(self) -> str:
        return f"agent {self.agent}: {self.kind}: {self.message}"


class NoReply(BureaucratError, TimeoutError):
    """Nobody has answered in time: no worker serves the agent, or it takes longer. The operator has to look."""


class Malformed(BureaucratError):
    """A message of a topic is not what the topic's types say. Who sent it has to change it."""
