"""The HTTP door as its users have it: ``bureaucrat web`` beside a daemon, and services that are asked (W-001…W-032)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import queue
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from postgres import Postgres
from rabbit import Rabbit, free_port
from service import Service, until

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "services"
KEY = "whsec_" + base64.b64encode(b"k" * 24).decode()
SENTENCE = "The Sun will soon rise again !"

pytestmark = pytest.mark.programs_measured


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: dict[str, str]


def ask(url: str, body: Any = None, *, raw: bytes | None = None, **headers: str) -> Answer:
    """POST JSON, or GET if there is none."""
    data = raw if raw is not None else None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data)
    for name, value in {"Content-Type": "application/json", **headers}.items():
        request.add_header(name.replace("_", "-"), value)
    try:
        with urllib.request.urlopen(request, timeout=90) as answer:
            status, text, told = answer.status, answer.read(), dict(answer.headers)
    except HTTPError as error:
        status, text, told = error.code, error.read(), dict(error.headers)
    return Answer(status, json.loads(text) if text else None, {name.lower(): value for name, value in told.items()})


class Programs:
    """Programs that say where they listen."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str) -> str:
        """Start one; its first line."""
        program = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self._running.append(program)
        assert program.stdout is not None
        return program.stdout.readline()

    def stop(self) -> None:
        for program in self._running:
            program.terminate()
            program.wait(30)
            assert program.stdout is not None
            program.stdout.close()


@dataclass(frozen=True)
class Plant:
    """Everything that runs, and where."""

    door: str
    daemon: Service
    upper: str
    reverse: str
    spaces: str

    def register(self, name: str, address: str, given: str = "string", **more: Any) -> Answer:
        inputs = [{"name": "message", "type": "string"}]
        outputs = [{"name": "message", "type": given}]
        return ask(f"{self.door}/s", {"name": name, "address": address, "inputs": inputs, "outputs": outputs, **more})

    def define(self, name: str, *services: str, **more: Any) -> Answer:
        inputs = [{"name": "message", "type": "string"}]
        return ask(f"{self.door}/w", {"name": name, "services": services, "inputs": inputs, "outputs": [], **more})


@pytest.fixture(scope="module")
def plant(rabbit: Rabbit, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    vhost = rabbit.fresh_vhost()
    folder, programs = tmp_path_factory.mktemp("door"), Programs()
    settings = "[services]\nallow = 127.0.0.1\n"
    login, database = rabbit.vhost_url(vhost, "bureaucrat-daemon"), postgres.url(postgres.fresh_database())
    environment = {"BUREAUCRAT_SERVICES_SIGNING_KEY": KEY}
    daemon = Service(folder, rabbit.vhost_url(vhost), settings, environment=environment, login=login, storage=database)
    try:
        daemon.start()
        upper, reverse, spaces = (
            programs.start(str(EXAMPLES / f"{name}.py"), "0").split()[-1]
            for name in ("upper", "reverse", "space_counter")
        )
        port = free_port()
        said = programs.start("-m", "bureaucrat", "web", "-c", str(daemon.config), "--port", str(port))
        assert said == f"serving http://127.0.0.1:{port} on {database}; Ctrl-C stops\n"
        door = f"http://127.0.0.1:{port}"
        until(lambda: _answers(door), "the door answers")
        yield Plant(door, daemon, upper, reverse, spaces)
    finally:
        programs.stop()
        daemon.kill()


def _answers(door: str) -> bool:
    try:
        return ask(f"{door}/healthcheck").status == 204
    except OSError:
        return False


# -- the four checks that are the contract (W-032)


def test_one_the_upper_service_is_created(plant: Plant) -> None:
    """W-001, W-028."""
    given = json.loads((EXAMPLES / "definitions" / "service-upper.json").read_text())

    answer = ask(f"{plant.door}/s", {**given, "address": plant.upper})

    assert answer.status == 201
    assert set(answer.body) == {"service_id"}
    assert isinstance(answer.body["service_id"], str)


def test_two_a_workflow_is_created(plant: Plant) -> None:
    """W-002, W-029."""
    plant.register("upper", plant.upper)

    answer = plant.define("capitals", "upper")

    assert answer.status == 201
    assert set(answer.body) == {"workflow_id"}
    assert isinstance(answer.body["workflow_id"], str)


def test_three_a_workflow_is_not_created_if_a_service_does_not_exist(plant: Plant) -> None:
    """W-008, W-030."""
    plant.register("upper", plant.upper)

    answer = plant.define("bad", "upper", "nobody")

    assert (answer.status, answer.body) == (409, {"message": "not all services exist"})


def test_four_an_event_is_processed_by_a_workflow_with_the_upper_service(plant: Plant) -> None:
    """W-003, W-015, W-031."""
    plant.register("upper", plant.upper)
    id = plant.define("capitals", "upper").body["workflow_id"]

    answer = ask(f"{plant.door}/e/{id}", {"message": SENTENCE})

    assert (answer.status, answer.body) == (201, {"message": SENTENCE.upper()})


# -- the rest of the table


def test_the_definitions_of_the_examples_work_together(plant: Plant) -> None:
    """W-016, W-024, W-025."""
    for name, address in (("upper", plant.upper), ("reverse", plant.reverse), ("space-counter", plant.spaces)):
        given = json.loads((EXAMPLES / "definitions" / f"service-{name}.json").read_text())
        assert ask(f"{plant.door}/s", {**given, "address": address}).status == 201
    workflow = json.loads((EXAMPLES / "definitions" / "workflow-process-text.json").read_text())
    event = json.loads((EXAMPLES / "definitions" / "event-text.json").read_text())

    assert ask(f"{plant.door}/w", workflow).status == 201
    answer = ask(f"{plant.door}/e/process-text", event)

    assert (answer.status, answer.body) == (201, {"message": SENTENCE.upper()[::-1]})


def test_a_workflow_that_declares_another_name_has_what_its_services_gave(plant: Plant) -> None:
    """W-024: the space counter answers under ``message``, and its workflow declares ``space_count``."""
    plant.register("space-counter", plant.spaces, "integer")
    plant.define("count", "space-counter", outputs=[{"name": "space_count", "type": "integer"}])

    assert ask(f"{plant.door}/e/count", {"message": SENTENCE}).body == {"message": 6}


def test_the_same_name_again_is_a_change_with_the_same_id(plant: Plant) -> None:
    """W-001, W-002: and workflows that call the service have the change."""
    first = plant.register("changing", plant.upper)
    defined = plant.define("changed", "changing")
    assert ask(f"{plant.door}/e/changed", {"message": "ab"}).body == {"message": "AB"}

    second = plant.register("changing", plant.reverse)
    again = plant.define("changed", first.body["service_id"])

    assert (second.status, second.body) == (201, first.body)
    assert (again.status, again.body) == (201, defined.body)
    assert ask(f"{plant.door}/e/changed", {"message": "ab"}).body == {"message": "ba"}
    plant.register("changing", plant.upper)
    assert ask(f"{plant.door}/e/changed", {"message": "ab"}).body == {"message": "AB"}


def test_whether_it_is_there_is_answered_with_nothing(plant: Plant) -> None:
    """W-004."""
    answer = ask(f"{plant.door}/healthcheck")

    assert (answer.status, answer.body) == (204, None)


@pytest.mark.parametrize("path", ["/s", "/w", "/e/anything"])
def test_what_is_no_json_is_refused(plant: Plant, path: str) -> None:
    """W-005, W-006."""
    plant.register("upper", plant.upper)
    plant.define("anything", "upper")

    text = ask(f"{plant.door}{path}", raw=b'{"a": 1}', Content_Type="text/plain")
    broken = ask(f"{plant.door}{path}", raw=b'{"a": NaN}')

    assert (text.status, text.body) == (415, {"message": "json is expected"})
    assert ask(f"{plant.door}{path}", raw=b"null").body == {"message": "payload can not be empty"}
    assert ask(f"{plant.door}{path}", raw=b"null").status == 400
    assert (broken.status, broken.body) == (400, {"message": "the body is no JSON: NaN is no JSON"})


def test_a_document_that_is_wrong_is_told_by_field(plant: Plant) -> None:
    """W-007, W-010."""
    service = ask(f"{plant.door}/s", {"name": "a"})
    workflow = ask(f"{plant.door}/w", {"services": ["upper"]})

    assert (service.status, service.body) == (409, {"address": ["Missing data for required field."]})
    assert (workflow.status, workflow.body) == (409, {"name": ["Missing data for required field."]})


def test_an_unknown_workflow_is_not_found_and_what_is_no_id_is_refused(plant: Plant) -> None:
    """W-009."""
    unknown = ask(f"{plant.door}/e/5f2b", {"message": "a"})
    malformed = ask(f"{plant.door}/e/a%20b", {"message": "a"})

    assert (unknown.status, unknown.body) == (404, {"message": "there is no workflow '5f2b'"})
    assert (malformed.status, set(malformed.body)) == (400, {"message"})


def test_an_event_in_the_form_of_the_readme_is_answered_with_its_id_and_status(plant: Plant) -> None:
    """W-014."""
    plant.register("upper", plant.upper)
    plant.define("capitals", "upper")

    answer = ask(f"{plant.door}/e/capitals", {"data": {"message": "a"}})

    assert answer.status == 201
    assert {**answer.body, "event-id": "ID", "ack-date": "DATE"} == {
        "event-id": "ID",
        "ack-date": "DATE",
        "status": "done",
        "outputs": {"message": "A"},
    }
    assert answer.headers["location"].endswith(f"/{answer.body['event-id']}")
    assert answer.body["ack-date"].endswith("+00:00")


def test_an_input_that_is_called_data_is_an_input(plant: Plant) -> None:
    """W-014, W-015."""
    plant.register("upper", plant.upper)
    copying = [{"type": "copy", "source": "data", "dest": "message", "apply": "before", "service": "0"}]
    plant.define("wrapped", "upper", inputs={"data": {"type": "string"}}, operations=copying)

    assert ask(f"{plant.door}/e/wrapped", {"data": "a"}).body == {"message": "A"}


@pytest.mark.parametrize(
    ("given", "messages"),
    [
        ({}, {"message": ["Missing data for required field."]}),
        ({"message": 1, "more": 2}, {"message": ["Not a valid string."], "more": ["Unknown field."]}),
        ({"data": []}, {"data": ["Not an object."]}),
        ([], {"_schema": ["Invalid input type."]}),
    ],
)
def test_an_event_that_does_not_match_the_inputs_is_told_by_field(
    plant: Plant, given: Any, messages: dict[str, list[str]]
) -> None:
    """W-014, W-017."""
    plant.register("upper", plant.upper)
    plant.define("capitals", "upper")

    answer = ask(f"{plant.door}/e/capitals", given)

    assert (answer.status, answer.body) == (409, messages)


def test_an_answer_of_another_type_is_told_with_the_field(plant: Plant) -> None:
    """W-017."""
    plant.register("lying", plant.spaces, "string")
    plant.define("lied", "lying")

    answer = ask(f"{plant.door}/e/lied", {"message": "a b"})

    assert answer.status == 502
    assert answer.body["status"] == "failed"
    assert answer.body["message"] == "lying has answered message, which is no string"


def test_an_event_may_be_answered_before_it_is_over(plant: Plant) -> None:
    """W-019."""
    plant.register("upper", plant.upper)
    plant.define("capitals", "upper")

    answer = ask(f"{plant.door}/e/capitals", {"message": "a"}, Prefer="respond-async")

    assert (answer.status, answer.body["status"]) == (202, "running")
    place = plant.door + answer.headers["location"]
    until(lambda: ask(place).body["status"] == "done", "it is over")
    assert ask(place).body == {"event-id": answer.body["event-id"], "status": "done", "outputs": {"message": "A"}}
    assert ask(f"{plant.door}/e/capitals", {"message": "a"}, Prefer="wait=1").status == 201


def test_how_long_an_answer_is_waited_for_can_be_said(plant: Plant) -> None:
    """A service that is not there is asked again for a while."""
    plant.register("away", "http://127.0.0.1:1/event")
    plant.define("stuck", "away")

    answer = ask(f"{plant.door}/e/stuck?wait=0.1", {"message": "a"})

    assert (answer.status, answer.body["status"]) == (202, "running")
    assert ask(f"{plant.door}/e/stuck?wait=for-ever", {"message": "a"}).status == 400
    assert ask(f"{plant.door}{answer.headers['location']}").body["status"] == "running"


@pytest.fixture
def told() -> Iterator[tuple[str, queue.Queue[tuple[dict[str, str], bytes]]]]:
    """Somebody who is told of events: where, and what comes."""
    heard: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()

    class Hears(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.put(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    server = HTTPServer(("127.0.0.1", 0), Hears)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/done", heard
    server.shutdown()
    thread.join()
    server.server_close()


def test_whoever_has_given_an_address_is_told_with_a_signature(
    plant: Plant, told: tuple[str, queue.Queue[tuple[dict[str, str], bytes]]]
) -> None:
    """W-019; the signature is that of Standard Webhooks, and says that it is nobody else."""
    plant.register("upper", plant.upper)
    plant.define("capitals", "upper")
    url, heard = told

    answer = ask(f"{plant.door}/e/capitals?callback={url}", {"message": "a"}, Prefer="respond-async")
    headers, body = heard.get(timeout=60)

    assert json.loads(body) == {"event-id": answer.body["event-id"], "status": "done", "outputs": {"message": "A"}}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(b"k" * 24, signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert headers["webhook-id"] == headers["idempotency-key"]
    assert ask(f"{plant.door}/e/capitals?callback=nowhere", {"message": "a"}).status == 400


def test_an_address_that_the_settings_do_not_allow_is_not_asked(plant: Plant) -> None:
    plant.register("inside", "http://10.0.0.1/event")
    plant.define("forbidden", "inside")

    answer = ask(f"{plant.door}/e/forbidden", {"message": "a"})

    assert (answer.status, answer.body["status"]) == (502, "incident")
    assert "10.0.0.1" in answer.body["message"]


def test_the_same_key_twice_is_one_event(plant: Plant) -> None:
    plant.register("upper", plant.upper)
    plant.define("capitals", "upper")

    with ThreadPoolExecutor(4) as pool:
        told = list(
            pool.map(
                lambda _: ask(f"{plant.door}/e/capitals", {"data": {"message": "a"}}, Idempotency_Key="k 1"), range(4)
            )
        )

    assert {one.status for one in told} == {201}
    assert len({one.body["event-id"] for one in told}) == 1


def test_an_event_is_found_by_its_own_workflow_only(plant: Plant) -> None:
    plant.register("upper", plant.upper)
    plant.define("capitals", "upper")
    plant.define("others", "upper")
    id = ask(f"{plant.door}/e/capitals", {"data": {"message": "a"}}).body["event-id"]

    assert ask(f"{plant.door}/e/others/{id}").status == 404
    assert ask(f"{plant.door}/e/capitals/{id}").status == 200


def test_a_body_that_is_too_long_is_refused(plant: Plant) -> None:
    plant.register("upper", plant.upper)
    plant.define("capitals", "upper")

    answer = ask(f"{plant.door}/e/capitals", {"message": "a" * (8 << 20)})

    assert (answer.status, answer.body) == (413, {"message": "the body has more than 8388608 bytes"})


def test_a_workflow_is_a_process_with_a_history_and_a_picture(plant: Plant) -> None:
    """W-019, W-021: visualisation, and what an operator sees."""
    plant.register("upper", plant.upper)
    plant.define("capitals", "upper")
    id = ask(f"{plant.door}/e/capitals", {"data": {"message": "a"}}).body["event-id"]

    shown = bureaucrat("show", id, "-c", str(plant.daemon.config))
    drawn = bureaucrat("graph", id, "-o", "-", "-c", str(plant.daemon.config))

    assert "workflow.capitals" in shown
    assert "upper_0" in drawn
    assert drawn.startswith("<svg")


def bureaucrat(*arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", "bureaucrat", *arguments], capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_example_services_answer_as_the_table_says(plant: Plant) -> None:
    """W-024."""
    base = plant.upper.removesuffix("/event")

    assert ask(f"{base}/healthcheck").status == 204
    assert ask(f"{base}/infos").body == json.loads((EXAMPLES / "definitions" / "service-upper.json").read_text())
    assert ask(plant.upper, {"message": "a"}).body == {"message": "A"}
    assert ask(plant.spaces, {"message": "a b c"}).body == {"message": 2}
    for given, status, message in (
        ({"raw": b"{}", "Content_Type": "text/plain"}, 415, "JSON is expected."),
        ({"raw": b"null"}, 400, "payload can not be empty."),
        ({"body": {"text": "a"}}, 400, "message field is missing on payload."),
    ):
        answer = ask(plant.upper, **given)  # type: ignore[arg-type]
        assert (answer.status, answer.body) == (status, {"message": message})


# -- the command


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--host", "0.0.0.0"], "not started: 0.0.0.0 can be reached from other machines"),
        (["--host", "shop.example"], "not started: shop.example can be reached from other machines"),
        (["-c", "nowhere.ini"], "nowhere.ini"),
    ],
)
def test_the_command_says_why_it_does_not_start(arguments: list[str], complaint: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "bureaucrat", "web", *arguments], capture_output=True, text=True, timeout=60
    )

    assert complaint in ended.stderr
    assert ended.returncode != 0


def test_a_port_that_is_taken_is_said(plant: Plant) -> None:
    command = [sys.executable, "-m", "bureaucrat", "web", "-c", str(plant.daemon.config)]
    ended = subprocess.run(
        [*command, "--port", plant.door.rpartition(":")[2]], capture_output=True, text=True, timeout=60
    )

    assert ended.returncode == 3
    assert "not started: nothing can listen on 127.0.0.1:" in ended.stderr
