"""The HTTP door: register services, define workflows, post events.

Rules: every answer but 204 is JSON; whatever comes in is refused with a message, never with a traceback; a body is read
no further than it may be long.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..clock import Clock
from ..errors import BureaucratError, Refused
from ..ports import Storage
from .documents import Invalid, Workflow, is_address, mismatches, service_of, workflow_of
from .events import Begin, Event, Events
from .register import NotThere, Register, Unanswered, workflow_id

_WAIT: Final = 60.0  #: seconds that an event is waited for, if nobody says otherwise
_LONGEST_WAIT: Final = 600.0
_LARGEST: Final = 8 << 20  #: bytes of a body
_LONGEST_WORD: Final = 100
_WHO: Final = "http"

Handler = Callable[[Request], Awaitable[Response]]


class _Refused(Exception):
    """A request cannot be answered as it wants."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body


class Door:
    """The application; ``app`` is what a server is given.

    :param storage: an open one, on which a daemon works.
    :param begin: starts an instance there: its process, its fields and its id.
    :param patience: seconds in which a daemon takes an order.
    """

    def __init__(
        self, storage: Storage, clock: Clock, begin: Begin, *, patience: float = 10.0, largest: int = _LARGEST
    ) -> None:
        self._register = Register(storage, clock, patience)
        self._events = Events(storage, clock, begin)
        self._clock = clock
        self._largest = largest
        self.app = Starlette(
            routes=[
                Route("/healthcheck", self._healthcheck, methods=["GET"]),
                Route("/s", self._guarded(self._service), methods=["POST"]),
                Route("/w", self._guarded(self._workflow), methods=["POST"]),
                Route("/e/{workflow}", self._guarded(self._event), methods=["POST"]),
                Route("/e/{workflow}/{event}", self._guarded(self._look), methods=["GET"]),
            ]
        )

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            try:
                return await handler(request)
            except _Refused as refused:
                return JSONResponse(refused.body, refused.status)
            except Invalid as invalid:
                return JSONResponse(invalid.messages, 409)
            except NotThere as error:
                return JSONResponse({"message": str(error)}, 404)
            except Unanswered as error:
                return JSONResponse({"message": str(error)}, 503)
            except Refused as error:
                return JSONResponse({"message": str(error)}, 409)
            except BureaucratError as error:  # the storage's, or the broker's
                return JSONResponse({"message": f"it cannot be done now: {error}"}, 503)

        return guarded

    async def _healthcheck(self, request: Request) -> Response:
        return Response(status_code=204)

    async def _service(self, request: Request) -> Response:
        service = service_of(await self._json(request))
        return JSONResponse({"service_id": await self._register.put_service(service, _WHO)}, 201)

    async def _workflow(self, request: Request) -> Response:
        workflow = workflow_of(await self._json(request))
        try:
            id = await self._register.put_workflow(workflow, _WHO)
        except NotThere:
            return JSONResponse({"message": "not all services exist"}, 409)
        return JSONResponse({"workflow_id": id}, 201)

    async def _event(self, request: Request) -> Response:
        workflow = await self._register.workflow(_word(request.path_params["workflow"]))
        data, is_wrapped = _data_of(await self._json(request), workflow)
        if wrong := mismatches(workflow.inputs, data):
            raise Invalid(wrong)
        seconds = _seconds_of(request)
        acknowledged = datetime.fromtimestamp(self._clock.now(), UTC).isoformat(timespec="milliseconds")
        key = request.headers.get("idempotency-key") or None
        id = await self._events.begin(workflow, data, key, _callback_of(request))
        event = await self._events.wait(workflow, id, seconds)
        place = f"/e/{workflow_id(workflow.name)}/{id}"
        told = {"event-id": id, "ack-date": acknowledged, "status": event.status}
        if not event.is_over:
            return JSONResponse(told, 202, headers={"Location": place})
        if event.status != "done":
            return JSONResponse({**told, "message": _why(event)}, 502, headers={"Location": place})
        body = {**told, "outputs": event.outputs} if is_wrapped else event.outputs
        return JSONResponse(body, 201, headers={"Location": place})

    async def _look(self, request: Request) -> Response:
        workflow = await self._register.workflow(_word(request.path_params["workflow"]))
        id = _word(request.path_params["event"])
        event = await self._events.find(workflow, id)
        if event is None:
            raise _Refused(404, {"message": f"there is no event {id!r} of workflow {workflow.name!r}"})
        told = {"event-id": id, "status": event.status}
        more = {"outputs": event.outputs} if event.status == "done" else {"message": _why(event)}
        return JSONResponse({**told, **(more if event.is_over else {})})

    async def _json(self, request: Request) -> Any:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
            raise _Refused(415, {"message": "json is expected"})
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > self._largest:
                    raise _Refused(413, {"message": f"the body has more than {self._largest} bytes"})
        except ClientDisconnect as gone:
            raise _Refused(400, {"message": "the body is not complete"}) from gone
        try:
            found = json.loads(body, parse_constant=_no_json)
        except (ValueError, RecursionError) as error:
            raise _Refused(400, {"message": f"the body is no JSON: {error}"}) from error
        if found is None:
            raise _Refused(400, {"message": "payload can not be empty"})
        return found


def _no_json(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _word(given: str) -> str:
    """A name or an id."""
    if len(given) > _LONGEST_WORD or not all(one.isalnum() or one in "._-" for one in given):
        raise _Refused(400, {"message": "this is neither a name nor an id: letters, digits, '_', '.' and '-'"})
    return given


def _data_of(given: Any, workflow: Workflow) -> tuple[dict[str, Any], bool]:
    """An event's data, and whether it stands under ``data``."""
    if not isinstance(given, dict):
        raise Invalid({"_schema": ["Invalid input type."]})
    is_wrapped = set(given) == {"data"} and "data" not in workflow.inputs
    found = given["data"] if is_wrapped else given
    if not isinstance(found, dict):
        raise Invalid({"data": ["Not an object."]})
    return found, is_wrapped


def _seconds_of(request: Request) -> float:
    """How long the answer may be waited for."""
    if "respond-async" in request.headers.get("prefer", ""):
        return 0.0
    text = request.query_params.get("wait")
    if text is None:
        return _WAIT
    try:
        seconds = float(text.removesuffix("s"))
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _LONGEST_WAIT:
        raise _Refused(400, {"message": f"wait is {text[:20]!r}; write seconds from 0 to {_LONGEST_WAIT:g}"})
    return seconds


def _callback_of(request: Request) -> str | None:
    """Who is told when the event is done."""
    url = request.query_params.get("callback")
    if url is not None and not is_address(url):
        raise _Refused(400, {"message": "callback is no URL: write http://HOST/PATH or https://HOST/PATH"})
    return url


def _why(event: Event) -> str:
    return event.message or f"it is {event.status}"
