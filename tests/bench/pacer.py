"""A strategy that sends orders at a pace when it is told to, and notes when it sent each and what that cost.

It is told by files in a folder, so that the same strategy runs in our node and in a bare one: ``N.go`` begins turn N,
``N.done`` holds what came of it. An order rests far from the market, is acknowledged, and is then cancelled.
"""

import asyncio
import json
import time
from pathlib import Path
from typing import Any, override

from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy

LOOK_SECONDS = 0.05
READY = "the pacer is ready"
"""Logged when the strategy starts: the node agrees with its venue."""
DISTANCE = 0.8
"""Of the market's price."""


class PacerConfig(StrategyConfig, frozen=True):  # type: ignore[misc, call-arg]
    instrument_id: InstrumentId
    folder: str
    price: float
    """About the market's."""


class Pacer(Strategy):  # type: ignore[misc]
    def __init__(self, config: PacerConfig) -> None:
        super().__init__(config)
        self._folder = Path(config.folder)
        self._open: set[str] = set()
        self._rest = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @override
    def on_start(self) -> None:
        self.log.info(READY)
        self.subscribe_quote_ticks(self.config.instrument_id)
        self._task = asyncio.get_running_loop().create_task(self._turns())

    @override
    def on_stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    @override
    def on_order_accepted(self, event: Any) -> None:
        self.cancel_order(self.cache.order(event.client_order_id))

    @override
    def on_order_canceled(self, event: Any) -> None:
        self._open.discard(event.client_order_id.value)
        if not self._open:
            self._rest.set()

    async def _turns(self) -> None:
        number = 0
        while True:
            order = self._folder / f"{number}.go"
            if not order.exists() or self.cache.quote_tick(self.config.instrument_id) is None:
                await asyncio.sleep(LOOK_SECONDS)
                continue
            told = json.loads(order.read_text())
            done = await self._turn(told["orders"], told["interval"])
            part = self._folder / f"{number}.part"
            part.write_text(json.dumps(done))
            part.rename(self._folder / f"{number}.done")
            number += 1

    async def _turn(self, orders: int, interval: float) -> dict[str, Any]:
        instrument = self.cache.instrument(self.config.instrument_id)
        quantity, price = instrument.make_qty("0.010"), instrument.make_price(self.config.price * DISTANCE)
        sent: dict[str, int] = {}
        thread, process, begin = time.thread_time(), time.process_time(), time.monotonic()
        for number in range(orders):
            ahead = begin + number * interval - time.monotonic()
            await asyncio.sleep(max(ahead, 0.0))
            now = time.time_ns()
            order = self.order_factory.limit(instrument.id, OrderSide.BUY, quantity, price)
            order_id = order.client_order_id.value
            sent[order_id] = now
            self._open.add(order_id)
            self._rest.clear()
            self.submit_order(order)
        await self._rest.wait()
        return {"sent": sent, "thread": time.thread_time() - thread, "process": time.process_time() - process}
