"""Comments: counts them, tells how many somebody has written, and has each mailed."""

from collections import Counter
from typing import Any

from declarations import signals

from bureaucrat.agents import MicroAgent, on, receiver


class CommentAgent(MicroAgent):
    @on("pre_start")
    async def begin(self) -> None:
        self.written: Counter[int] = Counter()

    @receiver(signals.rpc_comments_count)
    async def tell(self, user_id: int, **_: Any) -> int:
        return self.written[user_id]

    @receiver(signals.user_comment)
    async def keep(self, user_id: int, text: str, **_: Any) -> None:
        self.written[user_id] += 1
        await self.broker.mailer.send({"email": f"user{user_id}@example.org", "text": text})
        self.log.info("%d mails wait", await self.broker.mailer.length())
