"""What the daemon's log says of its readiness."""

from __future__ import annotations

from service import Client, Service, until


def test_a_new_queue_is_no_warning(service: Service, client: Client) -> None:
    """It is not ready for a moment, which is how it should be; the log says both."""
    before = len(service.log.read_text())

    client.launch('<process name="p"><action participant="newcomer"/></process>', "newcomer")

    def told() -> list[str]:
        lines = service.log.read_text()[before:].splitlines()
        return [line.partition(" ")[2] for line in lines if " bureaucrat.daemon.root " in line]

    until(lambda: len(told()) == 2, "it is ready again")
    assert told() == [
        'INFO bureaucrat.daemon.root not ready reason="queues were just declared; a moment until they are safe"',
        "INFO bureaucrat.daemon.root ready again",
    ]
