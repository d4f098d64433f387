"""Users: greets new ones, reports at times, and asks another agent how much somebody has written."""

from typing import Any

from declarations import signals

from bureaucrat.agents import MicroAgent, Signal, cron, on, periodic, receiver


class UserAgent(MicroAgent):
    @on("pre_start")
    def introduce(self) -> None:
        self.log.info("users: %s", self.info())

    @cron("0 6 * * *", timeout=5)
    async def report(self) -> None:
        await self.broker.mailer.send({"email": "admin@example.org", "text": "another day"})

    @periodic(period=15, timeout=10, start_after=3)
    async def remind(self) -> None:
        await self.bus.user_comment.send("user_agent", user_id=1, text="write something")

    @receiver(signals.user_created)
    async def greet(self, signal: Signal, sender: str, user_id: int, **_: Any) -> None:
        self.log.info("%s from %s: %s", signal.name, sender, user_id)
        await self.broker.mailer.send({"email": f"user{user_id}@example.org", "text": "welcome"})

    @receiver(signals.user_comment)
    async def count(self, user_id: int, **_: Any) -> None:
        answer = await self.bus.rpc_comments_count.call("user_agent", user_id=user_id)
        self.log.info("user %s has written %s", user_id, answer.get("CommentAgent.tell"))
