"""The examples of docs/launching.rst, run as they stand, with a daemon that ships everything at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fake_daemon import Came, FakeDaemon
from test_docs_examples import execute, folder, pieces_of, write_files

from bureaucrat.wire import StatusAnswer

__all__ = ["folder"]  # the fixture
PAGE = "docs/launching.rst"


class ShippingDaemon(FakeDaemon):
    """Order 13 cannot be paid; every other one is shipped."""

    def launched(self, came: Came) -> None:
        fields: dict[str, Any] = came.content.fields
        if fields["order_id"] == 13:
            fault = {"code": "Unpaid", "message": "the card was refused"}
            self.states[came.content.id] = StatusAnswer(came.content.id, True, status="faulted", fault=fault)
        else:
            done = {**fields, "parcel": "DHL-1"}
            answer = StatusAnswer(came.content.id, True, status="completed", outcome="completed", fields=done)
            self.states[came.content.id] = answer
        super().launched(came)


def test_the_python_of_the_page_runs_as_it_stands(
    vhost_url: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From its top to its end, beside the daemon's config.ini."""
    write_files(PAGE, folder)
    (folder / "config.ini").write_text(f"[amqp]\nurl = {vhost_url}\n", encoding="utf-8")
    pieces = pieces_of(PAGE)
    assert len(pieces) > 7

    names: dict[str, Any] = {"__name__": "example"}
    with ShippingDaemon(vhost_url) as daemon:
        for piece, printed in pieces:
            execute(piece, names)
            assert capsys.readouterr().out == printed, str(piece)
        sent = [daemon.launches.get(timeout=20).content for _ in range(5)]

    assert sent[1].process == "order"
    assert sent[1].business_key == "1018"
    assert daemon.events.get(timeout=20).content.body == {"order_id": 1017, "amount": 9.95}
    assert daemon.cancels.get(timeout=20).content.reason == "the customer changed their mind"
