"""Three agents in one program, which need no server: ``cd examples/agents; python one_program.py``."""

import asyncio
import logging
import sys

from comment_agent import CommentAgent
from email_agent import EmailAgent
from user_agent import UserAgent

from bureaucrat.agents.tools.memory import MemoryBroker, MemorySignalBus

logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)


async def main() -> None:
    bus, broker = MemorySignalBus("memory://example"), MemoryBroker("memory://example")
    agents = [UserAgent(bus=bus, broker=broker), CommentAgent(bus=bus, broker=broker), EmailAgent(broker=broker)]
    for agent in agents:
        await agent.start()
    await bus.user_created.send("example", user_id=7)
    await bus.user_comment.send("example", user_id=7, text="first!")
    async with asyncio.timeout(5):
        while (await bus.rpc_comments_count.call("example", user_id=7)).get("CommentAgent.tell") != 1:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    for agent in agents:
        await agent.stop()


if __name__ == "__main__":
    asyncio.run(main())
