"""What the commands that look at a database, or ask something of its engine, work with.

Rules: the database is opened read-only, whatever is to change goes as mail to whoever runs the engine; the clock is the
one thing that comes from outside, so that a test sees the same output each time.
"""

from __future__ import annotations

import asyncio
import getpass
import json
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

import click

from ..clock import Clock, SystemClock
from ..config import without_password
from ..core.limits import Limits
from ..definition.limits import ACCEPTED, ReadLimits, limits_of
from ..definition.reader import read
from ..engine.bounds import Bounds
from ..engine.definitions import Definitions
from ..engine.settings import Settings
from ..errors import ConfigurationError, StorageUnavailable, UnknownDefinition
from ..ports import Storage
from ..stores import NO_BOUNDS, bounds_of, file_of, open_storage, url_of
from .failure import Exit, Failure
from .options import config_option, settings
from .progress import Output
from .wording import Times, command


class Launches(Protocol):
    """What starts instances: :class:`bureaucrat.launcher.Launcher`."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...
    def launch(
        self,
        definition: object = None,
        fields: dict[str, Any] | None = None,
        *,
        process: str | None = None,
        version: int | None = None,
        id: str | None = None,
        business_key: str | None = None,
    ) -> str: ...
    def result(self, id: str, timeout: float = 60.0) -> Result: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a command finds around it."""

    clock: Clock = field(default_factory=SystemClock)
    launcher: Callable[[str | None], Launches] | None = None  #: of the settings in a file; None: through RabbitMQ


@dataclass(frozen=True, slots=True)
class Named:
    """The database that a command looks at."""

    url: str
    place: tuple[str, ...]  #: the arguments that name it
    stalled_after: float  #: seconds without a consumer after which an attempt counts as stalled
    answer_timeout: float = Limits().answer_timeout  #: seconds that an action without a timeout waits
    bounds: Bounds = field(default_factory=Bounds)  #: how much each participant is given at a time
    limits: ReadLimits = ReadLimits()
    config: Config | None = None  #: the settings, unless the database was named by itself


class Window:
    """One database, open, and where to write."""

    def __init__(self, storage: Storage, clock: Clock, chosen: Named, *, is_utc: bool, is_json: bool) -> None:
        self.storage = storage
        self.stalled_after = chosen.stalled_after
        self.answer_timeout = chosen.answer_timeout
        self.bounds = chosen.bounds
        self.limits = chosen.limits
        self.config = chosen.config
        self.clock = clock
        self.definitions = Definitions(storage, partial(read, limits=ACCEPTED), clock)
        self.output = Output(sys.stdout)
        self.is_json = is_json
        self.now = clock.now()
        self.times = Times(self.now, is_utc)
        self._place = chosen.place

    def command(self, *arguments: str) -> str:
        """A command on the same database, ready to paste."""
        return command([*arguments, *self._place])

    def broker_command(self, *arguments: str) -> str:
        """A command that uses the same settings, and no database."""
        return command([*arguments, *(self._place if self._place[:1] == ("-c",) else ())])

    def line(self, text: str = "", style: str = "") -> None:
        """One line for people."""
        self.output.line(text, style)

    def json(self, value: Any) -> None:
        """The one JSON object of ``--json``."""
        click.echo(json.dumps(value, ensure_ascii=self.output.is_ascii))


if TYPE_CHECKING:
    from ..config import Config
    from ..launcher import Result

Work = Callable[..., Coroutine[Any, Any, Exit | None]]


def at_window(work: Work) -> Callable[..., None]:
    """Make a command of a coroutine whose first argument is a :class:`Window`; adds the options that name it."""

    @config_option
    @click.option(
        "--db",
        "database",
        metavar="FILE|URL",
        help="The SQLite database, or postgresql://…, instead of the one of the settings.",
    )
    @click.option("--utc", "is_utc", is_flag=True, help="Times in UTC instead of local time.")
    @click.option("--json", "is_json", is_flag=True, help="Print one JSON object and nothing else.")
    @click.pass_context
    def start(
        context: click.Context, /, config: Path | None, database: str | None, is_utc: bool, is_json: bool, **given: Any
    ) -> None:
        surroundings = context.find_object(Surroundings) or Surroundings()
        chosen = _chosen(database, config)

        async def whole(storage: Storage) -> Exit | None:
            window = Window(storage, surroundings.clock, chosen, is_utc=is_utc, is_json=is_json)
            return await work(window, **given)

        context.exit(_on(chosen, whole) or Exit.OK)

    start.__name__, start.__doc__ = work.__name__, work.__doc__
    return start


def _chosen(database: str | None, config: Path | None) -> Named:
    """The database that the options name, or the settings."""
    if database is not None:
        url = url_of(database)
        chosen, source = (
            Named(url, ("--db", without_password(database)), Settings().stalled_after, bounds=NO_BOUNDS),
            "--db",
        )
    else:
        used = settings(config, Exit.NOT_STARTED)
        place = () if config is None else ("-c", str(config))
        found = used.bureaucrat
        bounds, limits = bounds_of(used), limits_of(used.limits.document, used.limits.activities)
        chosen = Named(used.storage.url, place, found.stalled_after, found.answer_timeout, bounds, limits, used)
        source = used.place("storage", "url")
    file = file_of(chosen.url)
    if file is not None and not file.exists():
        choose = "choose   the database that the daemon uses: --db FILE, or its settings: -c CONFIG"
        raise Failure(Exit.NOT_STARTED, f"there is no database {file}", f"from     {source}", choose)
    return chosen


#: what is raised of rows that no engine has written
_OF_DAMAGE = (ValueError, LookupError, TypeError, AttributeError, AssertionError)


def _on(chosen: Named, work: Callable[[Storage], Awaitable[Exit | None]]) -> Exit | None:
    """Do something with a database."""

    async def opened() -> Exit | None:
        storage = open_storage(chosen.url, True)
        await storage.open()
        try:
            return await work(storage)
        finally:
            await storage.close()

    try:
        return asyncio.run(opened())
    except (StorageUnavailable, ConfigurationError, UnknownDefinition) as error:
        raise Failure(Exit.NOT_STARTED, str(error)) from error
    except _OF_DAMAGE as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        first = f"what is stored cannot be shown: {reason}"
        look = f"look   {command(['doctor', *chosen.place])}   says what is damaged, and what mends it"
        raise Failure(Exit.NOT_STARTED, first, look) from error


def who() -> str:
    """Who types: ``user@host``."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in a container
        user = "somebody"
    return f"{user}@{socket.gethostname()}"
