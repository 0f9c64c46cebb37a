"""A plain TradingNode with Nautilus' own sandbox; its data client hands over a list that was loaded before."""

import asyncio
from pathlib import Path
from typing import Any

import uvloop
from nautilus_trader.adapters.sandbox.config import SandboxExecutionClientConfig
from nautilus_trader.adapters.sandbox.factory import SandboxLiveExecClientFactory
from nautilus_trader.common.providers import InstrumentProvider
from nautilus_trader.config import LiveDataClientConfig, LoggingConfig, TradingNodeConfig
from nautilus_trader.live.data_client import LiveMarketDataClient
from nautilus_trader.live.factories import LiveDataClientFactory
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.data import TradeTick
from nautilus_trader.model.identifiers import ClientId, Venue
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from tests.node.throughput.listener import make_listener
from tests.node.throughput.timing import Stopwatch, Timing, catalog_argument

AT_ONCE = 10_000
"""Events in the engine's queue before the event loop turns: a tenth of what it holds."""


class ListClient(LiveMarketDataClient):  # type: ignore[misc]
    def __init__(self, instruments: list[Any], **arguments: Any) -> None:
        super().__init__(client_id=ClientId("BINANCE"), venue=Venue("BINANCE"), **arguments)
        self._instruments = instruments
        self.subscribed = asyncio.Event()

    async def _connect(self) -> None:
        for instrument in self._instruments:
            self._handle_data(instrument)

    async def _disconnect(self) -> None:
        pass

    async def _subscribe_trade_ticks(self, _: object) -> None:
        self.subscribed.set()

    def hand_over(self, events: list[Any]) -> None:
        for event in events:
            self._handle_data(event)


def factory_of(instruments: list[Any], made: list[ListClient]) -> type[LiveDataClientFactory]:
    class Factory(LiveDataClientFactory):  # type: ignore[misc]
        @staticmethod
        def create(*, name: str, config: object, **arguments: Any) -> ListClient:  # noqa: ARG004
            made.append(ListClient(instruments, instrument_provider=InstrumentProvider(), **arguments))
            return made[-1]

    return Factory


async def play(path: Path) -> Timing:
    catalog = ParquetDataCatalog(path)
    events, clients, listener = catalog.query(TradeTick), list[ListClient](), make_listener()
    venue = SandboxExecutionClientConfig(venue="BINANCE", starting_balances=["100000 USDT"], account_type="CASH")
    config = TradingNodeConfig(
        trader_id="BENCH-001",
        logging=LoggingConfig(log_level="ERROR"),
        data_clients={"BINANCE": LiveDataClientConfig()},
        exec_clients={"BINANCE": venue},
        timeout_post_stop=0.0,
    )
    node = TradingNode(config, loop=asyncio.get_running_loop())
    node.add_data_client_factory("BINANCE", factory_of(catalog.instruments(), clients))
    node.add_exec_client_factory("BINANCE", SandboxLiveExecClientFactory)
    node.trader.add_strategy(listener)
    node.build()
    await node.kernel.start_async()
    (client,) = clients
    await client.subscribed.wait()
    watch = Stopwatch()
    for start in range(0, len(events), AT_ONCE):
        client.hand_over(events[start : start + AT_ONCE])
        until = min(start + AT_ONCE, len(events))
        while listener.heard < until:  # noqa: ASYNC110  # an event would be one more thing to pay for
            await asyncio.sleep(0)
    timing = watch.stop(listener.heard)
    await node.kernel.stop_async()
    return timing


def main() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        timing = runner.run(play(catalog_argument()))
    print(timing.to_json())


if __name__ == "__main__":
    main()
