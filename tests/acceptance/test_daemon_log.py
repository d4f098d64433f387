"""What the daemon's log says of its readiness, and who may read its database."""

from __future__ import annotations

from service import Client, Service, until


def test_a_new_participant_does_not_make_it_unready(service: Service, client: Client) -> None:
    """Its queue was just made, which counts only before the daemon is ready for the first time."""
    before = len(service.log.read_text())

    client.launch('<process name="p"><action participant="newcomer"/></process>', "newcomer")
    until(lambda: client.is_there("worker_newcomer"), "its queue is made")

    assert service.get("/ready")[0] == 200
    assert "not ready" not in service.log.read_text()[before:]


def test_the_database_is_for_its_user_alone(service: Service) -> None:
    """It holds fields, and the key of the tokens."""
    until(service.database.exists, "there is a database")

    assert service.database.stat().st_mode & 0o777 == 0o600
