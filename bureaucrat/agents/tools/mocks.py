"""A bus and a broker for tests of agents: whatever is sent is remembered, and goes nowhere."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any
from unittest.mock import AsyncMock, MagicMock, Mock

from ..bus import IterQueue


class _Waiting(AbstractAsyncContextManager[IterQueue]):
    """Gives the answers that a test has prepared."""

    def __init__(self, answers: list[dict[str, Any]]) -> None:
        self._answers = answers

    async def __aenter__(self) -> IterQueue:
        queue = IterQueue()
        for answer in self._answers:
            queue.put_nowait(answer)
        queue.end()
        return queue

    async def __aexit__(self, *error: object) -> None:
        """Nothing is open."""


class _BoundMock(AsyncMock):
    """A signal of a bus. Its ``waiter`` gives each of its ``answers``."""

    answers: list[dict[str, Any]]

    def _get_child_mock(self, /, **named: Any) -> Any:
        if named.get("_new_name") == "waiter":
            return Mock(side_effect=lambda *_, **__: _Waiting(vars(self).get("answers", [])), **named)
        return AsyncMock(**named)


class BusMock(AsyncMock):
    """``agent.bus.user_created.send.assert_called()``; the same for ``call`` and ``waiter``.

    What a call returns is set by ``bus.user_created.call.return_value``, what a waiter gives by
    ``bus.user_created.answers``, a list.
    """

    def _get_child_mock(self, /, **named: Any) -> Any:
        return _child(_BoundMock, named)


class BrokerMock(AsyncMock):
    """``agent.broker.mailer.send.assert_called()``; the same for ``length`` and ``declare``."""

    def _get_child_mock(self, /, **named: Any) -> Any:
        return _child(AsyncMock, named)


def _child(kind: type[AsyncMock], named: dict[str, Any]) -> Any:
    """What is awaited, and Python's own methods, such as ``__str__``, which are not."""
    is_own = str(named.get("_new_name", "")).startswith("__")
    return MagicMock(**named) if is_own else kind(**named)
