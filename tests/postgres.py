"""A PostgreSQL server of the tests' own, that they may stop, kill and freeze.

Rules: its port, socket and data are its own, so that it disturbs no other server on the machine and is disturbed by
none; the Debian package's programs start it, without its service, as a user who is not root; when the tests end,
however they end, nothing runs on.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

_STARTED = 60.0  #: seconds that a start may take on a busy machine
_PAUSE = 0.02
_USER = "bureaucrat"  #: the superuser in it

_SETTINGS = """
listen_addresses = '127.0.0.1'
max_connections = 100
shared_buffers = 64MB
dynamic_shared_memory_type = posix
deadlock_timeout = 200ms
logging_collector = off
log_min_messages = warning
autovacuum_naptime = 10s
"""
_FAST = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"
_LET_IN = "local all all trust\nhost all guarded 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"


#: end what other tests have left open, and delete their rows
_EMPTY = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'bureaucrat' AND tablename <> 'schema_changes' LOOP
        EXECUTE format('DELETE FROM bureaucrat.%I', name);
    END LOOP;
END $$;
"""


class NotInstalled(Exception):
    """There is no PostgreSQL on this machine; ``make services`` installs it."""


def programs() -> Path:
    """The folder of the newest server's programs."""
    found = sorted(
        Path(os.environ.get("POSTGRESQL_HOME", "/usr/lib/postgresql")).glob("*/bin/initdb"),
        key=lambda path: int(re.sub(r"\D", "", path.parent.parent.name) or 0),
    )
    if not found:
        raise NotInstalled("there is no PostgreSQL on this machine: make services")
    return found[-1].parent


class Postgres:
    """One server. Its databases survive ``kill`` and ``stop``; they are gone after ``remove``.

    :param durable: whether what is committed survives even a crash of the machine, as it does in earnest.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self._programs = programs()
        self._home = Path(tempfile.mkdtemp(prefix="bureaucrat-postgres-"))
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.port = int(taken.getsockname()[1])
        self._server: subprocess.Popen[bytes] | None = None
        self._has_shared = False
        self._count = 0
        self._owner = self._unprivileged()
        if self._owner is not None:
            os.chown(self._home, self._owner.pw_uid, self._owner.pw_gid)
        self._run("initdb", "-D", str(self._data), "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        settings = f"{_SETTINGS}port = {self.port}\nunix_socket_directories = '{self._home}'\n"
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(settings if durable else settings + _FAST)
        (self._data / "pg_hba.conf").write_text(_LET_IN)

    @property
    def _data(self) -> Path:
        return self._home / "data"

    @staticmethod
    def _unprivileged() -> pwd.struct_passwd | None:
        """Who runs the server: never root."""
        if os.geteuid() != 0:
            return None
        with contextlib.suppress(KeyError):
            return pwd.getpwnam("postgres")
        return pwd.getpwnam("nobody")

    # -- where it is

    def url(self, database: str, user: str = _USER) -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    @property
    def log(self) -> str:
        """What it has logged."""
        path = self._home / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    # -- its life

    def start(self) -> Postgres:
        """Start it, also again after ``kill`` or ``stop``; returns when it takes connections."""
        self.begin()
        self.await_start()
        return self

    def begin(self) -> None:
        """Start it, and wait for nothing."""
        with (self._home / "log").open("ab") as log:
            self._server = subprocess.Popen(
                self._as_owner(str(self._programs / "postgres"), "-D", str(self._data), dies_with_us=True),
                cwd=self._home,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def await_start(self) -> None:
        """Wait until it takes connections."""
        _wait(self._is_up, "PostgreSQL does not start", self._died)

    def _is_up(self) -> bool:
        command = [str(self._programs / "pg_isready"), "-q", "-h", str(self._home), "-p", str(self.port)]
        return subprocess.run(command, env=self._environment, timeout=30).returncode == 0

    def _died(self) -> str | None:
        if self._server is None or self._server.poll() is None:
            return None
        return f"PostgreSQL ended with {self._server.returncode}: {self.log[-3000:]}"

    def kill(self) -> None:
        """SIGKILL to the server and all its processes."""
        if self._server is not None and self._server.poll() is None:
            self.thaw()
            for process in (*self._children(), self._server.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            self._server.wait()
            (self._data / "postmaster.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        """Shut it down cleanly: end all sessions, do not wait for them."""
        if self._server is not None and self._server.poll() is None:
            self.thaw()
            self._server.send_signal(signal.SIGINT)
            self._server.wait(30)

    def freeze(self) -> None:
        """Let it answer nothing, with all connections open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def remove(self) -> None:
        """The end: nothing runs on, nothing is left."""
        self.kill()
        shutil.rmtree(self._home, ignore_errors=True)

    def _signal(self, sent: signal.Signals) -> None:
        assert self._server is not None
        for process in (self._server.pid, *self._children()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, sent)

    def _children(self) -> list[int]:
        assert self._server is not None
        path = Path(f"/proc/{self._server.pid}/task/{self._server.pid}/children")
        return [int(each) for each in path.read_text().split()]

    # -- its databases

    def sql(self, text: str, database: str = "postgres") -> list[str]:
        """Run statements as the superuser; the rows that come out, as lines."""
        command = [str(self._programs / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", str(self._home)]
        done = subprocess.run(
            [*command, "-p", str(self.port), "-U", _USER, "-d", database],
            env=self._environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode:
            raise AssertionError(f"psql: {done.stdout}{done.stderr}")
        return done.stdout.splitlines()

    def fresh_database(self) -> str:
        """The name of a database that nobody has used; nothing is in it."""
        self._count += 1
        self.sql(f"CREATE DATABASE d{self._count} TEMPLATE template0")
        return f"d{self._count}"

    def database_for(self, role: str) -> str:
        """The same with a schema for the daemons, who log in as this role and have the rights that they need."""
        database = self.fresh_database()
        if not self.sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{role}'"):
            self.sql(f"CREATE ROLE {role} LOGIN")
        self.sql(f"CREATE SCHEMA bureaucrat AUTHORIZATION {role}", database)
        return database

    def emptied_database(self) -> str:
        """The name of the one database that tests use one after the other: no rows are in it, but the newest schema, if
        a test has opened it before. That takes a tenth of the time."""
        if not self._has_shared:
            self._has_shared = True
            self.sql("CREATE DATABASE emptied TEMPLATE template0")
        self.sql(_EMPTY, "emptied")
        return "emptied"

    # -- how its programs are started

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            self._as_owner(str(self._programs / program), *arguments),
            cwd=self._home,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=_STARTED,
        )
        if done.returncode:
            raise AssertionError(f"{program}: {done.stdout}{done.stderr}")

    def _as_owner(self, *command: str, dies_with_us: bool = False) -> list[str]:
        """A command by the one who runs the server, which ends with us even when we are killed."""
        if not shutil.which("setpriv"):
            assert self._owner is None, "without setpriv the tests cannot run PostgreSQL as root"
            return list(command)
        dying = ["--pdeathsig", "KILL"] if dies_with_us else []
        if self._owner is None:
            return ["setpriv", *dying, *command] if dying else list(command)
        ids = [f"--reuid={self._owner.pw_uid}", f"--regid={self._owner.pw_gid}", "--clear-groups"]
        return ["setpriv", *ids, *dying, *command]

    @property
    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return {**kept, "HOME": str(self._home), "LC_ALL": "C", "TZ": "UTC"}


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
