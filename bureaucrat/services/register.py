"""What is registered, and how it is kept: as processes, in the engine's own storage.

Rules: a document is a process that does nothing and has the JSON as a property, ``document.service.NAME`` or
``document.workflow.NAME``; a workflow's process stands beside it, ``workflow.NAME``. All that a change concerns is
registered by one order, or nothing: a service that is registered again has the workflows that call it compiled again.
What runs goes on as it was.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any, Final
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from ..clock import Clock
from ..engine.codec import encode_message
from ..engine.numbers import numbers_of
from ..engine.orders import Deploy
from ..errors import BureaucratError
from ..ports import MailRow, Storage
from .compiling import PROCESS, compiled
from .documents import Invalid, Service, Workflow, document_of, service_of, workflow_of

_SERVICE: Final = "document.service."
_WORKFLOW: Final = "document.workflow."
_IDS: Final = uuid.UUID("6f0b5a3e-7a1c-5d0e-9a57-0f3f2f1f6c11")
_LOOK: Final = 0.02  #: seconds between two looks at what came of an order


class NotThere(BureaucratError):
    """Nothing of this name or id is registered."""


class Unanswered(BureaucratError):
    """No daemon has taken what was asked of it."""


def service_id(name: str) -> str:
    """The id of a service: the same for the same name."""
    return uuid.uuid5(_IDS, f"service:{name}").hex


def workflow_id(name: str) -> str:
    """The id of a workflow: the same for the same name."""
    return uuid.uuid5(_IDS, f"workflow:{name}").hex


class Register:
    """Services and workflows in one storage, on which a daemon works.

    :param patience: seconds in which a daemon takes an order.
    """

    def __init__(self, storage: Storage, clock: Clock, patience: float = 10.0) -> None:
        self._storage = storage
        self._clock = clock
        self._numbers = numbers_of(clock)
        self._patience = patience

    async def put_service(self, service: Service, who: str) -> str:
        """Register a service, or change the one of its name; its id.

        :raises Invalid: a workflow that calls it could not go on so.
        :raises Unanswered: no daemon has taken it.
        """
        files = {_SERVICE + service.name: _document(_SERVICE + service.name, service)}
        for name in await self._names(_WORKFLOW):
            workflow = await self.workflow(name)
            called = [await self.service(one) for one in workflow.services]
            if service.name in [one.name for one in called]:
                now = [service if one.name == service.name else one for one in called]
                files[PROCESS + workflow.name] = compiled(workflow, now)
        await self._deploy(files, who)
        return service_id(service.name)

    async def put_workflow(self, workflow: Workflow, who: str) -> str:
        """Register a workflow, or change the one of its name; its id.

        :raises NotThere: not all of its services are registered.
        :raises Invalid: a service needs what nothing before it gives.
        :raises Unanswered: no daemon has taken it.
        """
        services = [await self.service(one) for one in workflow.services]
        name = _WORKFLOW + workflow.name
        await self._deploy(
            {name: _document(name, workflow), PROCESS + workflow.name: compiled(workflow, services)}, who
        )
        return workflow_id(workflow.name)

    async def service(self, word: str) -> Service:
        """By name or id.

        :raises NotThere: there is none.
        """
        return service_of(await self._found(_SERVICE, word, service_id))

    async def workflow(self, word: str) -> Workflow:
        """By name or id.

        :raises NotThere: there is none.
        """
        return workflow_of(await self._found(_WORKFLOW, word, workflow_id))

    # -- how it is kept

    async def _found(self, kind: str, word: str, id_of: Callable[[str], str]) -> Any:
        row = await self._storage.registered(kind + word)
        if row is None:
            named = [name for name in await self._names(kind) if id_of(name) == word]
            row = await self._storage.registered(kind + named[0]) if named else None
        stored = None if row is None else await self._storage.definition(row.definition)
        if stored is None:
            raise NotThere(f"there is no {kind.split('.')[1]} {word[:100]!r}")
        text = ElementTree.fromstring(stored.source).findtext("context/property")
        return json.loads(text or "null")

    async def _names(self, kind: str) -> list[str]:
        rows = await self._storage.versions()
        return sorted({row.name.removeprefix(kind) for row in rows if row.name.startswith(kind) and not row.retired})

    async def _deploy(self, files: dict[str, str], who: str) -> None:
        number = self._numbers()
        order = Deploy(who, files, reason="registered over HTTP")
        await self._storage.post(MailRow(number, "", encode_message(order), self._clock.now()))
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience
        while (row := await self._storage.audit(number)) is None:
            if loop.time() > until:
                raise Unanswered(f"no daemon has taken it within {self._patience:g} s; it is registered when one runs")
            await asyncio.sleep(_LOOK)
        if row.outcome != "done":
            raise Invalid({"_schema": row.answer.splitlines()})


def _document(name: str, thing: Service | Workflow) -> str:
    text = escape(json.dumps(document_of(thing), sort_keys=True))
    return (
        f'<process name={quoteattr(name)}><context><property name="document" type="json">{text}</property>'
        "</context></process>\n"
    )
