"""A RabbitMQ broker of the tests' own, that they may stop, kill and wipe.

Rules: its name, ports, data and cookie are its own, so that it disturbs no other broker on the machine and is disturbed
by none; the Debian package's own scripts start it, without its service; when the tests end, however they end, nothing
runs on.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(os.environ.get("RABBITMQ_SCRIPTS", "/usr/lib/rabbitmq/bin"))
_STARTED = 60.0  #: seconds that a start may take on a busy machine
_PAUSE = 0.05
_VHOSTS = 25  #: made at once, because rabbitmqctl takes a second


class NotInstalled(Exception):
    """There is no RabbitMQ on this machine; ``make services`` installs it."""


@dataclass(frozen=True)
class QueueRow:
    """What the broker says of a queue."""

    name: str
    messages: int
    consumers: int


@dataclass(frozen=True)
class Role:
    """One right of a user, as ``rabbitmqctl`` gives it."""

    function: str  #: ``set_permissions`` or ``set_topic_permissions``
    user: str
    rights: tuple[str, ...]  #: configure, write and read; or the exchange, write and read


def roles_of(roles: Sequence[Role]) -> list[str]:
    """The users, each once."""
    return list(dict.fromkeys(one.user for one in roles))


def _binary(text: str) -> str:
    """A text in Erlang."""
    return '<<"' + text.replace("\\", "\\\\") + '">>'


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Rabbit:
    """One broker. Its data survive ``kill`` and ``stop``; they are gone after ``wipe`` and ``remove``."""

    def __init__(self) -> None:
        if not (SCRIPTS / "rabbitmq-server").exists():
            raise NotInstalled("there is no RabbitMQ on this machine: make services")
        self._home = Path(tempfile.mkdtemp(prefix="bureaucrat-rabbit-"))
        self.port = free_port()
        self._epmd_port = free_port()
        self._distribution = free_port()
        self._epmd: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._vhosts: list[str] = []
        self._vhost_count = 0
        self._roles: Sequence[Role] = ()
        for folder in ("home", "data", "log", "conf.d"):
            (self._home / folder).mkdir()
        cookie = self._home / "home" / ".erlang.cookie"
        cookie.write_text(os.urandom(12).hex().upper())
        cookie.chmod(0o400)
        (self._home / "plugins").write_text("[].")
        (self._home / "rabbitmq.conf").write_text(
            "vm_memory_high_watermark.absolute = 512MB\ndisk_free_limit.absolute = 1MB\nloopback_users = none\n"
        )

    # -- where it is

    @property
    def url(self) -> str:
        """Of its first virtual host."""
        return self.vhost_url("%2F")

    def vhost_url(self, vhost: str, user: str = "guest") -> str:
        """For a user, each of whom has its name as its password."""
        return f"amqp://{user}:{user}@127.0.0.1:{self.port}/{vhost}"

    @property
    def log(self) -> str:
        """What it has logged."""
        path = self._home / "log" / "rabbit.log"
        return path.read_text(errors="replace") if path.exists() else ""

    # -- its life

    def start(self) -> Rabbit:
        """Start it, also again after ``kill`` or ``stop``; returns when it takes connections."""
        self.begin()
        self.await_start()
        return self

    def begin(self) -> None:
        """Start it, and wait for nothing."""
        with (self._home / "out").open("ab") as out:
            if self._epmd is None or self._epmd.poll() is not None:
                command = ["epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1"]
                self._epmd = self._spawn(command, out)
                _wait(lambda: _listens(self._epmd_port), "epmd does not listen")
            self._server = self._spawn([str(SCRIPTS / "rabbitmq-server")], out)

    def await_start(self) -> None:
        """Wait until it takes connections."""
        _wait(self._is_up, "RabbitMQ does not start", self._died)

    def _is_up(self) -> bool:
        """Whether it answers: the port is open before everything behind it is ready."""
        if not _listens(self.port):
            return False
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as asked:
            asked.sendall(b"AMQP\x00\x00\x09\x01")
            with contextlib.suppress(OSError):
                return bool(asked.recv(1))
        return False

    def _died(self) -> str | None:
        if self._server is None or self._server.poll() is None:
            return None
        return (
            f"RabbitMQ ended with {self._server.returncode}: {(self._home / 'out').read_text(errors='replace')[-3000:]}"
        )

    def kill(self) -> None:
        """SIGKILL: what it has not written is lost."""
        if self._server is not None:
            self._server.send_signal(signal.SIGKILL)
            self._server.wait()
            _wait(lambda: not _listens(self.port), "the port is still open")

    def freeze(self) -> None:
        """Let it answer nothing, with all connections open."""
        assert self._server is not None
        self._server.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._server is not None
        self._server.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Shut it down cleanly."""
        if self._server is not None and self._server.poll() is None:
            self._server.send_signal(signal.SIGCONT)
            self._server.send_signal(signal.SIGTERM)
            try:
                self._server.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()

    def wipe(self) -> None:
        """Kill it, and take all its data."""
        self.kill()
        shutil.rmtree(self._home / "data")
        (self._home / "data").mkdir()
        self._vhosts = []

    def remove(self) -> None:
        """The end: nothing runs on, nothing is left."""
        self.kill()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
        shutil.rmtree(self._home, ignore_errors=True)

    def _spawn(self, command: list[str], out: object) -> subprocess.Popen[bytes]:
        """Start a program that ends with us, even when we are killed."""
        if shutil.which("setpriv"):
            command = ["setpriv", "--pdeathsig", "KILL", *command]
        return subprocess.Popen(
            command,
            env=self.environment,
            cwd=self._home,
            stdin=subprocess.DEVNULL,
            stdout=out,  # type: ignore[arg-type]
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def environment(self) -> dict[str, str]:
        """In which its programs are to be called."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RABBITMQ_", "ERL_"))}
        return {
            **kept,
            "HOME": str(self._home / "home"),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP_SECONDS": "0",
            "RABBITMQ_NODENAME": f"bureaucrat-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_MNESIA_BASE": str(self._home / "data"),
            "RABBITMQ_LOG_BASE": str(self._home / "log"),
            "RABBITMQ_LOGS": str(self._home / "log" / "rabbit.log"),
            "RABBITMQ_PID_FILE": str(self._home / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._home / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(self._home / "no-environment"),
            "RABBITMQ_CONFIG_FILE": str(self._home / "rabbitmq"),
            "RABBITMQ_CONFIG_FILES": str(self._home / "conf.d"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self._home / "advanced.config"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +A 1 +sbwt none +sbwtdcpu none +sbwtdio none",
            "RABBITMQ_CTL_ERL_ARGS": "+S 1:1 +A 1",
            "RUNNING_UNDER_SYSTEMD": "true",  # one process, not a shell around it
            "NOTIFY_SOCKET": "",
        }

    # -- users

    def have(self, roles: Sequence[Role]) -> None:
        """Have users with these rights on every virtual host that is made from now on."""
        self._roles, self._vhosts = roles, []
        added = (f'rabbit_auth_backend_internal:add_user(<<"{one}">>, <<"{one}">>, <<"t">>)' for one in roles_of(roles))
        self.evaluate(", ".join(added) + ".")

    def _rights(self, vhost: str) -> str:
        """In Erlang: gives all users their rights; `vhost` is a variable."""
        return "".join(
            f", rabbit_auth_backend_internal:{one.function}("
            + ", ".join(_binary(text) if text else vhost for text in (one.user, "", *one.rights, "t"))
            + ")"
            for one in self._roles
        )

    # -- TLS

    def listen_encrypted(self, authority: Path, cert: Path, key: Path) -> int:
        """Listen with TLS, too, until it is stopped: the port. Whoever has a certificate of the authority may log in
        by it, as the user that it names (EXTERNAL)."""
        port = free_port()
        plugins = self._home / "plugins"
        plugins.write_text("[rabbitmq_auth_mechanism_ssl].")
        files = f'{{cacertfile, "{authority}"}}, {{certfile, "{cert}"}}, {{keyfile, "{key}"}}'
        self.evaluate(
            f'{{ok, _, _}} = rabbit_plugins:ensure("{plugins}"), rabbit_networking:ensure_ssl(), '
            "application:set_env(rabbit, ssl_cert_login_from, common_name), "
            "application:set_env(rabbit, ssl_options, [{verify, verify_peer}]), "
            "application:set_env(rabbit, auth_mechanisms, ['PLAIN', 'AMQPLAIN', 'EXTERNAL']), "
            f'rabbit_networking:start_ssl_listener({{"127.0.0.1", {port}}}, '
            f"[{files}, {{verify, verify_peer}}, {{fail_if_no_peer_cert, false}}], 1)."
        )
        return port

    # -- its management

    def ctl(self, *arguments: str) -> str:
        """rabbitmqctl."""
        command = [str(SCRIPTS / "rabbitmqctl"), "--quiet", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise AssertionError(f"rabbitmqctl {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def evaluate(self, expression: str) -> str:
        """The value of an Erlang expression, in the broker."""
        return self.ctl("eval", expression).strip()

    def fresh_vhost(self) -> str:
        """The name of a virtual host that nobody has used."""
        if not self._vhosts:
            first = self._vhost_count
            self._vhost_count += _VHOSTS
            self._vhosts = [f"v{number}" for number in range(first, self._vhost_count)]
            names = ",".join(f'<<"{name}">>' for name in self._vhosts)
            self.evaluate(
                f'[begin rabbit_vhost:add(N, <<"tests">>), rabbit_auth_backend_internal:set_permissions('
                f'<<"guest">>, N, <<".*">>, <<".*">>, <<".*">>, <<"tests">>){self._rights("N")} end || N <- [{names}]].'
            )
        return self._vhosts.pop()

    def queues(self, vhost: str = "/") -> dict[str, QueueRow]:
        """All queues of a virtual host by name."""
        lines = self.ctl("list_queues", "-p", vhost, "name", "messages", "consumers", "--no-table-headers").splitlines()
        rows = [line.split("\t") for line in lines]
        return {name: QueueRow(name, int(messages), int(consumers)) for name, messages, consumers in rows}

    def delete_queue(self, name: str, vhost: str = "/") -> None:
        self.ctl("delete_queue", "-p", vhost, name)

    def close_connections(self, vhost: str = "/") -> None:
        self.ctl("close_all_connections", "--vhost", vhost, "the tests wish so")

    def block(self) -> None:
        """Let it be short of memory."""
        self.ctl("await_startup")  # it takes connections a moment before it takes settings
        self.ctl("set_vm_memory_high_watermark", "0.000001")

    def unblock(self) -> None:
        self.ctl("set_vm_memory_high_watermark", "absolute", "512MB")


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        tried.settimeout(1.0)
        return tried.connect_ex(("127.0.0.1", port)) == 0


def _wait(condition: object, problem: str, failed: object = lambda: None) -> None:
    assert callable(condition)
    assert callable(failed)
    until = time.monotonic() + _STARTED
    between = threading.Event()  # nobody sets it
    while not condition():
        reason = failed()
        if reason or time.monotonic() > until:
            raise AssertionError(reason or problem)
        between.wait(_PAUSE)
