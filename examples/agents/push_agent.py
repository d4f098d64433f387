"""Queues behind exchanges of RabbitMQ: by topic to the phones of a kind, and everything to two queues."""

from typing import Any

from declarations import queues

from bureaucrat.agents import MicroAgent, consumer


class PushAgent(MicroAgent):
    @consumer(queues.android)
    async def to_android(self, text: str, **_: Any) -> None:
        self.log.info("android: %s", text)

    @consumer(queues.ios)
    async def to_ios(self, text: str, **_: Any) -> None:
        self.log.info("ios: %s", text)

    @consumer(queues.audit)
    async def check(self, text: str, **_: Any) -> None:
        self.log.info("audit: %s", text)

    @consumer(queues.archive)
    async def keep(self, text: str, **_: Any) -> None:
        self.log.info("archive: %s", text)
