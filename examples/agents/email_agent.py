"""Mail: takes what is to be sent, five times if it fails, and then sets it aside."""

from dataclasses import dataclass
from typing import Any

from declarations import queues

from bureaucrat.agents import MicroAgent, consumer


@dataclass
class Mail:
    email: str
    text: str


class EmailAgent(MicroAgent):
    @consumer(queues.mailer, timeout=30, dto_class=Mail, dto_name="mail", attempts=5)
    async def send(self, mail: Mail, **_: Any) -> None:
        self.log.info("to %s: %s", mail.email, mail.text)
