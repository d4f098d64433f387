"""Orders: each is a process. The agent starts it, does its action, hears its signal and sends what it waits for."""

from pathlib import Path
from typing import Any

from declarations import queues, signals

from bureaucrat import Fault
from bureaucrat.agents import MicroAgent, consumer, participant, receiver

PROCESS = Path(__file__).parent / "order.xml"


class ShopAgent(MicroAgent):
    @consumer(queues.orders)
    async def begin(self, order_id: int, amount: float, **_: Any) -> None:
        instance = await self.launch(PROCESS, {"order_id": order_id, "amount": amount}, id=f"order-{order_id}")
        self.log.info("order %s is instance %s", order_id, instance)

    @participant("charge_card", retries=2)
    async def charge(self, amount: float) -> dict[str, Any]:
        if amount > 1000:
            raise Fault("OverTheLimit", "the card has a limit of 1000")
        return {"charged": True}

    @receiver(signals.order_charged)
    async def ship(self, order_id: int, **_: Any) -> None:
        await self.bus.order_shipped.send("shop_agent", order_id=order_id, parcel=f"P{order_id}")
