"""The simulated account of a Paper deployment: Nautilus' sandbox venue, fed with what the strategies hear."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any, override

from nautilus_trader.adapters.sandbox.config import SandboxExecutionClientConfig
from nautilus_trader.adapters.sandbox.execution import SandboxExecutionClient
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.core.data import Data
from nautilus_trader.live.factories import LiveExecClientFactory
from nautilus_trader.model.data import Bar, OrderBookDeltas, QuoteTick, TradeTick
from nautilus_trader.model.objects import Money
from nautilus_trader.portfolio.base import PortfolioFacade

from trading_api.venues import PaperAccount
from trading_node.errors import config_refused


class PaperExecutionClient(SandboxExecutionClient):  # type: ignore[misc]
    """The sandbox client, which also fills from bars and from the best prices of an order book.

    The sandbox listens to topics of the form ``data.*.VENUE.*``; the topic of a bar carries the bar type instead. And
    it keeps the best prices alone, which it takes from quotes and trades, never from the changes of a book. A strategy
    that hears nothing but bars or a book would find no market.
    """

    def __init__(self, **arguments: Any) -> None:  # noqa: ANN401  # those of the sandbox client
        super().__init__(**arguments)
        # The sandbox asks up to nine times per tick which kind of data it is.
        self._processors: dict[type, Callable[[Any], None]] = {
            QuoteTick: self.exchange.process_quote_tick,
            TradeTick: self.exchange.process_trade_tick,
            OrderBookDeltas: self._process_deltas,
        }

    @override
    def on_data(self, data: Data) -> None:
        process = self._processors.get(type(data))
        if process is None:
            super().on_data(data)
        else:
            process(data)
            self.exchange.process(data.ts_init)

    def _process_deltas(self, deltas: OrderBookDeltas) -> None:
        self.exchange.process_order_book_deltas(deltas)
        # The data engine has brought the book up to date before anybody else hears of the change.
        book = self._cache.order_book(deltas.instrument_id)
        quote = None if book is None else book.to_quote_tick()
        if quote is not None:
            self.exchange.process_quote_tick(quote)

    @override
    def connect(self) -> None:
        super().connect()
        self._msgbus.subscribe("data.bars.*", handler=self._on_bar)

    def _on_bar(self, bar: Bar) -> None:
        bar_type = bar.bar_type
        # What was aggregated here from ticks has moved the market already, tick by tick.
        if bar_type.instrument_id.venue == self.venue and bar_type.is_externally_aggregated():
            self.on_data(bar)


def paper_config(venue: str, account: PaperAccount) -> SandboxExecutionClientConfig:
    """Return the sandbox' config for an account. Raises NodeError for a balance in a currency that Nautilus lacks."""
    for balance in account.starting_balances:
        try:
            Money.from_str(balance)
        except ValueError as error:
            raise config_refused(
                f"The starting balance {balance!r} of venue {venue} cannot be read: {error}",
                "Write amount and currency, such as 100000 USDT",
            ) from error
    return SandboxExecutionClientConfig(
        venue=venue,
        starting_balances=list(account.starting_balances),
        account_type=account.account_type.upper(),
        oms_type=account.oms_type.upper(),
        default_leverage=Decimal(account.default_leverage),
    )


def paper_factory(portfolio: Callable[[], PortfolioFacade]) -> type[LiveExecClientFactory]:
    """Return a factory of paper clients; the portfolio exists only once the node is made."""

    class PaperExecutionClientFactory(LiveExecClientFactory):  # type: ignore[misc]
        """Makes the client of one venue."""

        @staticmethod
        @override
        def create(
            loop: asyncio.AbstractEventLoop,
            name: str,
            config: SandboxExecutionClientConfig,
            msgbus: MessageBus,
            cache: Cache,
            clock: LiveClock,
            **_: Any,  # whatever else a later Nautilus hands over
        ) -> PaperExecutionClient:
            return PaperExecutionClient(
                loop=loop, portfolio=portfolio(), msgbus=msgbus, cache=cache, clock=clock, config=config
            )

    return PaperExecutionClientFactory
