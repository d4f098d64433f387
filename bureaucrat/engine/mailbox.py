"""The mailbox: messages that instances, operators and the engine itself leave for an instance.

Rules: a row is written in the sender's transaction and deleted in the receiver's; a row is on the queue at most once;
rows that an instance keeps back come again, in order, when it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..core.effects import Launch
from ..core.faults import INVALID_DEFINITION, LIMIT_EXCEEDED, UNKNOWN_PROCESS, Fault
from ..core.limits import Limits
from ..core.messages import Ended
from ..definition.problems import InvalidDefinition
from ..errors import Refused
from ..ports import MailRow, Storage
from .codec import decode_message
from .definitions import Definitions
from .delivery import Birth, Delivery
from .orders import Deploy, Desked, Drop, Happened, Looked, Order, Replay, Undeploy
from .starts import TooLarge, start_of


class Mailbox:
    """Turns rows into deliveries."""

    def __init__(
        self, storage: Storage, definitions: Definitions, put: Callable[[Delivery], None], limits: Limits
    ) -> None:
        self._limits = limits
        self._storage = storage
        self._definitions = definitions
        self._put = put
        self._queued: set[int] = set()
        self._releasing: dict[str, None] = {}
        self.unreadable: list[tuple[MailRow, str]] = []  #: to be set aside
        self.ordered: list[tuple[MailRow, Desked]] = []  #: for the desk

    def post(self, row: MailRow, *, released: bool = False) -> None:
        """Put a stored row on the queue, unless it is there."""
        if row.number in self._queued:
            return
        self._queued.add(row.number)
        try:
            message = decode_message(row.message)
        except Exception as error:  # written by a newer version, or damaged: a dead letter, and the others go on
            self.unreadable.append((row, f"the mailbox row cannot be read: {error}"))
            return
        match message:
            case Launch():
                self._put(self._start(row, message))
            case Order():
                self._put(Delivery(row.instance, message.message, mail=row.number, order=message))
            case Looked() | Replay() | Drop() | Happened() | Deploy() | Undeploy():
                self.ordered.append((row, message))
            case _:
                self._put(Delivery(row.instance, message, mail=row.number, released=released))

    def _start(self, row: MailRow, launch: Launch) -> Delivery:
        """The start of a called instance; or, if it cannot start, the fault for its caller (L50)."""
        try:
            if launch.definition is None:
                problem = f"no process named {launch.process!r} is registered"
                return self._refuse(row, launch, UNKNOWN_PROCESS, problem)
            definition = self._definitions.read(launch.definition)
            start = start_of(definition, launch.fields, self._limits)
        except TooLarge as error:
            return self._refuse(row, launch, LIMIT_EXCEEDED, str(error))
        except (InvalidDefinition, Refused) as error:
            return self._refuse(row, launch, INVALID_DEFINITION, str(error))
        birth = Birth(definition, caller=launch.caller, depth=launch.depth)
        return Delivery(launch.instance, start, birth, mail=row.number)

    def _refuse(self, row: MailRow, launch: Launch, code: str, problem: str) -> Delivery:
        caller = launch.caller
        fault = Fault(code, problem, launch.instance)
        message = Ended(caller.branch, caller.activity, caller.activation, {}, fault)
        return Delivery(caller.instance, message, mail=row.number)

    def done(self, deliveries: Iterable[Delivery]) -> None:
        """These were applied, or are kept back: their rows may come again."""
        self.over(d.mail for d in deliveries if d.mail is not None)

    def over(self, numbers: Iterable[int]) -> None:
        """These rows are gone, or may come again."""
        self._queued.difference_update(numbers)

    def release(self, instances: Iterable[str]) -> None:
        """These instances may apply what they kept back."""
        self._releasing.update(dict.fromkeys(instances))

    @property
    def is_idle(self) -> bool:
        return not self._releasing and not self.unreadable and not self.ordered

    async def fetch(self, limit: int) -> None:
        """Put on the queue what instances kept back."""
        while self._releasing:
            instance = next(iter(self._releasing))
            rows = await self._storage.held_mail(instance, limit)
            del self._releasing[instance]
            for row in rows:
                self.post(row, released=True)
