"""An agent that adds numbers, and a command that asks it.

    bureaucrat streams -A examples/streams/agent.py worker
    bureaucrat streams -A examples/streams/agent.py sum_of 4 8 --print

With RabbitMQ: BUREAUCRAT_AMQP_URL=amqp://guest:guest@localhost/ in the environment of both.
"""

from __future__ import annotations

from collections.abc import AsyncIterable

from bureaucrat import streams as faust
from bureaucrat.streams import StreamT
from bureaucrat.streams.cli import argument, option


class Add(faust.Record):
    """Two numbers."""

    a: int
    b: int


app = faust.App("agent-example")
topic = app.topic("adding", value_type=Add)


@app.agent(topic)
async def adding(stream: StreamT[Add]) -> AsyncIterable[int]:
    """Adds two numbers."""
    async for value in stream:
        yield value.a + value.b


@app.command(
    argument("a", type=int, help="The first number"),
    argument("b", type=int, help="The second number"),
    option("--print/--no-print", "is_told", help="Say what is sent"),
)
async def sum_of(a: int, b: int, is_told: bool) -> None:
    """Ask the agent for a sum."""
    if is_told:
        print(f"asking for {a} + {b}")
    print(await adding.ask(Add(a, b)))
