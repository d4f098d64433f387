"""What is registered, in a storage on which no daemon works yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from bureaucrat.clock import SystemClock
from bureaucrat.engine.codec import decode_message
from bureaucrat.engine.orders import Deploy
from bureaucrat.services.documents import Service
from bureaucrat.services.register import NotThere, Register, Unanswered, service_id, workflow_id
from bureaucrat.storage.sqlite import SqliteStorage


async def test_without_a_daemon_a_registration_waits_and_says_so(tmp_path: Path) -> None:
    """It stays in the mailbox, and is carried out when a daemon runs."""
    storage = SqliteStorage(tmp_path / "b.db")
    await storage.open()
    register = Register(storage, SystemClock(), patience=0.05)

    with pytest.raises(Unanswered, match=r"no daemon has taken it within 0\.05 s; it is registered when one runs"):
        await register.put_service(Service("late", "http://h/"), "me")

    (mail,) = await storage.mail(10)
    order = decode_message(mail.message)
    assert isinstance(order, Deploy)
    assert (order.who, list(order.files)) == ("me", ["document.service.late"])
    with pytest.raises(NotThere, match="there is no service 'late'"):
        await register.service("late")
    await storage.close()


def test_an_id_is_that_of_the_name_and_of_nothing_else() -> None:
    assert service_id("a") == service_id("a")
    assert len({service_id("a"), service_id("b"), workflow_id("a"), workflow_id("b")}) == 4
