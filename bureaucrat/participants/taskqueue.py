"""Participants behind queues ``worker_<participant>``: workers of ours, and any AMQP client that answers (B-046).

Rules: an attempt is one message in one of the two wire formats; the answer comes back to the engine's queue with the
token in it, in either format.
"""

from __future__ import annotations

from .. import wire
from ..core.effects import Dispatch
from ..ports import Outgoing, Properties

PREFIX = "worker"


def queue_of(participant: str) -> str:
    """The queue of a participant; ``worker:charge`` and ``charge`` are one."""
    return f"worker_{participant.removeprefix(f'{PREFIX}:')}"


class TaskQueue:
    """Makes attempts messages.

    :param format: which of the two wire formats they are in.
    """

    def __init__(self, format: wire.Format = "workitem") -> None:
        self._format = format

    @property
    def is_foreign(self) -> bool:
        return False

    def destination(self, participant: str) -> str:
        """The queue that attempts of a participant go to."""
        return queue_of(participant)

    def revocation(self, tokens: list[str]) -> Outgoing | None:
        """Nobody listens for that: an attempt that is done all the same is answered in vain."""
        return None

    def outgoing(self, dispatch: Dispatch, instance: str, token: str) -> Outgoing:
        """The message that hands an attempt over."""
        content_type, body = wire.encode_attempt(
            dispatch.fields,
            target=dispatch.address,
            token=token,
            key=dispatch.key,
            participant=dispatch.participant,
            attempt=dispatch.tries,
            format=self._format,
        )
        message_id = token if len(token.encode()) <= wire.MAX_NAME else None
        properties = Properties(message_id=message_id, content_type=content_type, content_encoding="utf-8")
        return Outgoing(queue_of(dispatch.participant), body, properties)
