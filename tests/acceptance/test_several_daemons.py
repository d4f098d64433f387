"""Three daemons on one PostgreSQL and one RabbitMQ, as their users run them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres import Postgres
from rabbit import Rabbit
from service import Client, Service, until

ROLE = "several"
WAITING = """<process name="waiting"><delay duration="2s"/><action participant="work"/></process>"""
HOT = """
<process name="hot">
  <foreach select="= [n for n in range(200)]" as="n" parallel="yes">
    <action participant="work"><input/><output/></action>
  </foreach>
  <delay duration="1ms"/>
</process>
"""
BOUND = """<process name="bound"><action participant="narrow"/></process>"""
TIMERS = "SELECT count(*) FROM branches WHERE due IS NOT NULL"
SETTINGS = "history = full\n[participant:narrow]\nmax_in_flight = 2\n"
#: attempts that are waited for, less those that wait for leave
IN_FLIGHT = """SELECT (SELECT count(*) FROM branches WHERE attempt IS NOT NULL)
    - (SELECT count(*) FROM outbox WHERE participant <> '')"""


class Crowd:
    """The daemons, and a client."""

    def __init__(self, folder: Path, rabbit: Rabbit, postgres: Postgres) -> None:
        vhost = rabbit.fresh_vhost()
        self.url, self.login = rabbit.vhost_url(vhost), rabbit.vhost_url(vhost, "bureaucrat-daemon")
        self.postgres, self.database, self.folder = postgres, postgres.database_for(ROLE), folder
        self.daemons: list[Service] = []
        self.client = Client(self.url)

    def join(self) -> Service:
        folder = self.folder / f"daemon-{len(self.daemons)}"
        folder.mkdir()
        storage = self.postgres.url(self.database, ROLE)
        made = Service(folder, self.url, SETTINGS, login=self.login, storage=storage)
        self.daemons.append(made)
        return made.start()

    @property
    def rows(self) -> Service:
        return self.daemons[0]

    def work(self, number: int, participant: str = "work") -> set[str]:
        """Answer so many attempts; their tokens. One may come twice, in a queue that was just made."""
        tokens: set[str] = set()
        while len(tokens) < number:
            attempt = self.client.attempt(participant)
            tokens.add(attempt.token)
            attempt.answer()
        return tokens

    def completed(self, number: int) -> None:
        until(lambda: self.rows.statuses() == {"completed": number}, f"{number} have completed")

    def close(self) -> None:
        self.client.close()
        for one in self.daemons:
            one.kill()


@pytest.fixture
def crowd(tmp_path: Path, rabbit: Rabbit, postgres: Postgres) -> Iterator[Crowd]:
    made = Crowd(tmp_path, rabbit, postgres)
    yield made
    made.close()


def test_what_a_killed_daemon_was_to_do_the_others_do(crowd: Crowd) -> None:
    """Its timers, its outbox and its mail; it does not come back."""
    first, second, _ = [crowd.join() for _ in range(3)]
    for number in range(30):
        crowd.client.launch(WAITING, f"w{number}")
    until(lambda: crowd.rows.rows(TIMERS)[0][0] == 30, "all wait for their timers")
    begun = first.metric("bureaucrat_transitions_total")
    first.kill()
    left_behind = crowd.rows.rows(TIMERS)[0][0]

    tokens = crowd.work(30)
    crowd.completed(30)

    assert begun > 0  # some of the timers are its own
    assert (left_behind, len(tokens)) == (30, 30)
    until(lambda: not any(second.left().values()), "nothing is left")


def test_the_daemons_share_the_work_of_one_wide_instance(crowd: Crowd) -> None:
    for _ in range(3):
        crowd.join()
    crowd.client.launch(HOT, "hot")

    tokens = crowd.work(200)
    crowd.completed(1)

    ended = crowd.rows.rows("SELECT count(*), count(DISTINCT address) FROM history WHERE what = 'completed'")
    applied = [one.metric("bureaucrat_transitions_total") for one in crowd.daemons]
    assert len(tokens) == 200
    assert ended == [(403, 403)]  # an action and an item each, the foreach, the delay and the process
    assert sum(one > 0 for one in applied) >= 2


def test_a_bound_holds_for_all_daemons_together(crowd: Crowd) -> None:
    for _ in range(3):
        crowd.join()
    for number in range(8):
        crowd.client.launch(BOUND, f"b{number}")

    most = 0
    for _ in range(8):
        attempt = crowd.client.attempt("narrow")
        most = max(most, crowd.rows.rows(IN_FLIGHT)[0][0])
        attempt.answer()
    crowd.completed(8)

    assert 1 <= most <= 2


def test_older_daemons_go_on_and_start_while_a_newer_release_has_added_to_the_schema(crowd: Crowd) -> None:
    first = crowd.join()
    tables = crowd.postgres.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'bureaucrat'", crowd.database)
    for table in tables:
        if table != "schema_changes":
            crowd.postgres.sql(f'ALTER TABLE bureaucrat."{table}" ADD COLUMN later text', crowd.database)
    crowd.postgres.sql(
        "INSERT INTO bureaucrat.schema_changes (number, major) "
        "SELECT max(number) + 1, max(major) FROM bureaucrat.schema_changes",
        crowd.database,
    )

    crowd.join()
    for number in range(10):
        crowd.client.launch(WAITING, f"w{number}")
    crowd.work(10)
    crowd.completed(10)

    assert first.alarms() == []


def test_a_daemon_refuses_a_schema_of_a_newer_major_version_and_says_what_to_do(crowd: Crowd) -> None:
    first = crowd.join()
    crowd.postgres.sql("UPDATE bureaucrat.schema_changes SET major = major + 1", crowd.database)
    first.stop()
    first.begin()

    assert first.process is not None
    assert first.process.wait(30) == 3
    assert "install that version, or restore a backup" in first.log.read_text()
