"""A program that asks the agent of agent.py, while a worker serves it: python examples/streams/send_to_agent.py"""

from __future__ import annotations

import asyncio

from agent import Add, adding, app


async def main() -> None:
    print(await adding.ask(Add(a=4, b=4)))
    print(await adding.join([Add(number, 1) for number in range(5)]))
    await app.stop()


if __name__ == "__main__":
    asyncio.run(main())
