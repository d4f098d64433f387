"""The mailbox: messages that instances, operators and the engine itself leave for an instance.

Rules: a row is written in the sender's transaction and deleted in the receiver's; a row is on the queue at most once;
rows that an instance keeps back come again, in order, when it goes on; what comes for an instance whose process is yet
to be looked up by its name comes after its start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..clock import Clock
from ..core.effects import Launch
from ..core.faults import INVALID_DEFINITION, LIMIT_EXCEEDED, UNKNOWN_PROCESS, Fault
from ..core.limits import Limits
from ..core.messages import Ended
from ..core.table import Definition
from ..definition.problems import InvalidDefinition
from ..errors import Refused, UnknownDefinition, UnknownProcess
from ..ports import MailRow, Storage
from .codec import Mail, decode_message
from .definitions import Definitions
from .delivery import Birth, Delivery, Letter
from .orders import (
    Begin,
    Deploy,
    Desked,
    Drop,
    Happened,
    Looked,
    Mend,
    Order,
    Pausing,
    Replay,
    Report,
    Scheduling,
    Undeploy,
)
from .registry import Registry
from .starts import TooLarge, business_key_of, start_of

#: a row, what it says, and whether it was kept back
_Read = tuple[MailRow, Mail, bool]


class Mailbox:
    """Turns rows into deliveries."""

    def __init__(
        self,
        storage: Storage,
        definitions: Definitions,
        registry: Registry,
        put: Callable[[Delivery], None],
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._clock = clock
        self._registry = registry
        self._limits = limits
        self._storage = storage
        self._definitions = definitions
        self._put = put
        self.has_news = False  #: somebody has left mail that is still to be fetched
        self._queued: set[int] = set()
        self._releasing: dict[str, None] = {}
        self._nameless: dict[str, list[_Read]] = {}  #: by instance: its start by name, and what came after that
        self.unreadable: list[tuple[MailRow, str]] = []  #: to be set aside, with the reason; or nothing can start by it
        self.ordered: list[tuple[MailRow, Desked | Report]] = []  #: for the desk

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
        if row.instance in self._nameless:
            self._nameless[row.instance].append((row, message, released))
        else:
            self._deliver(row, message, released)

    def _deliver(self, row: MailRow, message: Mail, released: bool) -> None:
        match message:
            case Launch():
                if message.definition is None:
                    self._nameless[row.instance] = [(row, message, released)]
                else:
                    self._put(self._by_text(row, message, message.definition))
            case Order():
                self._put(Delivery(row.instance, message.message, mail=row.number, order=message))
            case Begin():
                self._nameless[row.instance] = [(row, message, released)]
            case (
                Looked()
                | Replay()
                | Drop()
                | Happened()
                | Deploy()
                | Undeploy()
                | Scheduling()
                | Pausing()
                | Mend()
                | Report()
            ):
                self.ordered.append((row, message))
            case _:
                self._put(Delivery(row.instance, message, mail=row.number, since=row.at, released=released))

    def _by_text(self, row: MailRow, launch: Launch, text: str) -> Delivery:
        """The start of a called instance; or, if it cannot start, the fault for its caller (L50)."""
        try:
            return self._start(row, launch, self._definitions.read(text))
        except InvalidDefinition as error:
            return self._refuse(row, launch, INVALID_DEFINITION, str(error))

    async def _find(self, name: str) -> Definition | Fault:
        """What is registered under a name; or why nothing can start by it."""
        try:
            return await self._registry.find(name)
        except UnknownProcess as error:
            return Fault(UNKNOWN_PROCESS, str(error), "")
        except (InvalidDefinition, UnknownDefinition) as error:
            return Fault(INVALID_DEFINITION, str(error), "")

    def _by_name(self, row: MailRow, launch: Launch, found: Definition | Fault) -> Delivery:
        """The same, of what is registered under the name."""
        if isinstance(found, Fault):
            return self._refuse(row, launch, found.code, found.message)
        return self._start(row, launch, found)

    def _start(self, row: MailRow, launch: Launch, definition: Definition) -> Delivery:
        try:
            start = start_of(definition, launch.fields, self._limits)
            key = business_key_of(definition, start.fields, self._clock.now())
        except TooLarge as error:
            return self._refuse(row, launch, LIMIT_EXCEEDED, str(error))
        except Refused as error:
            return self._refuse(row, launch, INVALID_DEFINITION, str(error))
        birth = Birth(definition, key, launch.caller, launch.depth)
        return Delivery(launch.instance, start, birth, mail=row.number)

    def _refuse(self, row: MailRow, launch: Launch, code: str, problem: str) -> Delivery:
        caller = launch.caller
        fault = Fault(code, problem, launch.instance)
        message = Ended(caller.branch, caller.activity, caller.activation, {}, fault)
        return Delivery(caller.instance, message, mail=row.number)

    def _begin(self, row: MailRow, begin: Begin, found: Definition | Fault) -> None:
        """The same of what a program has left: what cannot start is a dead letter."""
        try:
            if isinstance(found, Fault):
                raise Refused(found.message)
            start = start_of(found, begin.fields, self._limits)
            key = business_key_of(found, start.fields, self._clock.now())
        except Refused as error:
            self.unreadable.append((row, str(error)))
            return
        letter = Letter("engine", row.message, row.instance)
        self._put(Delivery(row.instance, start, Birth(found, key, asked=row.at), mail=row.number, letter=letter))

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
        return not (self.has_news or self._releasing or self._nameless or self.unreadable or self.ordered)

    async def fetch(self, limit: int) -> None:
        """Put on the queue what instances kept back, and the starts by name."""
        found: dict[str, Definition | Fault] = {}  # many calls of one process are looked up once
        for instance, [(row, launch, _), *_] in list(self._nameless.items()):
            assert isinstance(launch, Launch | Begin), "it is what made the entry"
            name = launch.process or ""
            if name not in found:
                found[name] = await self._find(name)
            if isinstance(launch, Begin):
                self._begin(row, launch, found[name])
            else:
                self._put(self._by_name(row, launch, found[name]))
            for later in self._nameless.pop(instance)[1:]:
                self._deliver(*later)
        while self._releasing:
            instance = next(iter(self._releasing))
            rows = await self._storage.held_mail(instance, limit)
            del self._releasing[instance]
            for row in rows:
                self.post(row, released=True)
