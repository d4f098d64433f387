"""Asking a daemon how an instance is, once or until it has ended.

Rules: the own queue is bound to the notices first, and then the question is asked: whatever happens later is noticed. A
notice only makes us ask again, and we ask again without one, so that a lost notice or answer delays and never hangs.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Final

import pika

from ..wire import Malformed, StatusAnswer, decode_notice, decode_status, encode_question
from .errors import NotYet
from .link import Late, Letter, Link, Lost, Nacked, Returned
from .links import Links
from .settings import Settings

LIFECYCLE: Final = "bureaucrat.lifecycle"
_ENDED: Final = frozenset({"completed", "faulted", "failed", "canceled"})
_LONGEST_PAUSE: Final = 30.0  #: seconds between questions that nobody answers; they wait in the daemon's queue


class Watch:
    """One thread's interest in one instance."""

    def __init__(self, links: Links, settings: Settings, instance: str, timeout: float, again: float) -> None:
        self._links = links
        self._settings = settings
        self._instance = instance
        self._timeout = timeout
        self._again = again
        self._pause = again
        self._deadline = time.monotonic() + timeout
        self._asked: set[str] = set()
        self._last: StatusAnswer | None = None
        self._trouble = ""

    def status(self) -> StatusAnswer:
        """How the instance is now. Raises :class:`NotYet` if nobody answers."""
        return self._until(lambda answer: True, has_notices=False)

    def end(self) -> StatusAnswer:
        """How the instance has ended, or why it was not started. Raises :class:`NotYet` if it has not in time."""
        return self._until(_has_ended, has_notices=True)

    def _until(self, is_wanted: Callable[[StatusAnswer], bool], has_notices: bool) -> StatusAnswer:
        while True:
            try:
                with self._links.asking(self._deadline) as link:
                    return self._on(link, is_wanted, has_notices)
            except Lost as lost:
                if lost.is_final:
                    raise self._links.unavailable(lost.reason) from lost
                self._trouble = lost.reason
                if not self._links.may_try_again(self._again / 10, self._deadline):
                    raise self._not_yet() from lost
            except Late:
                raise self._not_yet() from None

    def _on(self, link: Link, is_wanted: Callable[[StatusAnswer], bool], has_notices: bool) -> StatusAnswer:
        if has_notices:
            link.bind(LIFECYCLE, f"*.*.{self._instance}", self._deadline)
        self._pause, ask_at = self._again, 0.0
        while True:
            if time.monotonic() >= ask_at:
                ask_at = self._ask(link)
            try:
                delivery = link.receive(min(ask_at, self._deadline))
            except Late:
                if time.monotonic() >= self._deadline:
                    raise
                continue
            if delivery.correlation_id is None:
                ask_at = 0.0 if self._is_news(delivery.body) else ask_at
                continue
            answer = self._answer(delivery.correlation_id, delivery.body)
            if answer is not None and is_wanted(answer):
                break
            if answer is not None:
                self._pause, ask_at = self._again, time.monotonic() + self._again
        if has_notices:
            link.unbind(LIFECYCLE, f"*.*.{self._instance}", self._deadline)
        return answer

    def _ask(self, link: Link) -> float:
        """Ask; returns when to ask again if there is no answer."""
        number = uuid.uuid4().hex
        content_type, body = encode_question(self._instance)
        properties = pika.BasicProperties(
            content_type=content_type, reply_to=link.queue, correlation_id=number, delivery_mode=2
        )
        letter = Letter(self._settings.exchange, self._settings.message_queue, body, properties)
        self._asked.add(number)
        try:
            link.publish(letter, self._deadline)
        except Returned:
            raise self._links.no_queue(letter) from None
        except Nacked:
            self._trouble = "the broker refuses the question; is its queue full?"
        self._pause, pause = min(2 * self._pause, _LONGEST_PAUSE), self._pause
        return time.monotonic() + pause

    def _is_news(self, body: bytes) -> bool:
        """Whether a notice says that something has changed about the instance as a whole."""
        try:
            notice = decode_notice(body)
        except Malformed:
            return False
        return notice.instance == self._instance and notice.notice.startswith("instance.")

    def _answer(self, number: str, body: bytes) -> StatusAnswer | None:
        """The answer to a question of ours; None if it is none."""
        if number not in self._asked:
            return None
        try:
            self._last = decode_status(body)
        except Malformed as malformed:
            self._trouble = f"an answer could not be read: {malformed.reason}"
            return None
        return self._last

    def _not_yet(self) -> NotYet:
        within = f"within {self._timeout:g} s"
        last = self._last
        if last is None:
            trouble = f" ({self._trouble})" if self._trouble else ""
            where = self._settings.amqp.shown
            text = f"nobody on {where} has said {within} how instance {self._instance} is{trouble}; does a daemon run?"
        elif not last.known:
            text = f"instance {self._instance} is not known {within}; its launch may still wait in the queue"
        else:
            text = f"instance {self._instance} has not ended {within}; it is {last.status}{_incidents(last)}"
        return NotYet(text, last)


def _has_ended(answer: StatusAnswer) -> bool:
    return answer.status in _ENDED if answer.known else answer.dead is not None


def _incidents(answer: StatusAnswer) -> str:
    """What keeps it from going on, if something does."""
    if not answer.incidents:
        return ""
    last = answer.incidents[-1]
    told = ": ".join(str(last[key]) for key in ("address", "message") if last.get(key))
    count = len(answer.incidents)
    return f", with {'an incident' if count == 1 else f'{count} incidents'} ({told})"
