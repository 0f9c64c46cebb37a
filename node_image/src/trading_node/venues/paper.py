"""The simulated account of a Paper deployment: Nautilus' sandbox venue, fed with what the strategies hear."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, override

from nautilus_trader.adapters.sandbox.config import SandboxExecutionClientConfig
from nautilus_trader.adapters.sandbox.execution import SandboxExecutionClient
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.core.data import Data
from nautilus_trader.live.factories import LiveExecClientFactory
from nautilus_trader.model.data import Bar, OrderBookDeltas, QuoteTick, TradeTick
from nautilus_trader.model.events import OrderEvent, OrderFilled
from nautilus_trader.model.objects import Money
from nautilus_trader.portfolio.base import PortfolioFacade

from trading_api.venues import PaperAccount
from trading_node.errors import config_refused
from trading_node.venues.paper_memory import instruments_of, put_back, remember
from trading_node.venues.paper_state import PaperFile, PaperState

INSTRUMENT_POLL_SECONDS = 0.01
INSTRUMENTS_SECONDS = 10.0
"""After so long without them it is said which instruments the venue has not loaded."""
WRITE_AGAIN_SECONDS = 1.0

_log = logging.getLogger(__name__)


@dataclass
class KeptAccount:
    """A paper account that outlives the process."""

    venue: str
    file: PaperFile
    state: PaperState
    former: bool
    """Whether an earlier run left it."""
    written: bool = False
    """Whether this run has written it: one that never got to trading changes nothing."""
    failure: str = ""
    """Why it cannot be kept, while that is so."""
    on_put_back: Callable[[Sequence[OrderEvent]], None] = lambda _: None
    """Told when the account is in place, with what made its resting orders."""


class PaperExecutionClient(SandboxExecutionClient):  # type: ignore[misc]
    """The sandbox client, which also fills from bars and from the best prices of an order book.

    The sandbox listens to topics of the form ``data.*.VENUE.*``; the topic of a bar carries the bar type instead. And
    it keeps the best prices alone, which it takes from quotes and trades, never from the changes of a book. A strategy
    that hears nothing but bars or a book would find no market.
    """

    def __init__(self, *, kept: KeptAccount | None = None, **arguments: Any) -> None:  # noqa: ANN401  # the sandbox'
        super().__init__(**arguments)
        self._kept = kept
        self._unwritten = False
        self._last_fill = "" if kept is None else kept.state.last_fill
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
        self._msgbus.subscribe("data.bars.*", handler=self._on_bar)
        if self._kept is None:
            super().connect()
        else:
            self.create_task(self._connect_kept(self._kept), log_msg="go on with the paper account")

    async def _connect_kept(self, kept: KeptAccount) -> None:
        """Connect once the instruments are known that the account holds; the start waits for it."""
        await instruments_known(kept, self._cache)
        super().connect()  # makes the books of all instruments anew, so it comes first
        try:
            kept.on_put_back(put_back(kept.state, self._cache, self.exchange))
        except Exception:
            self._set_connected(False)  # Nautilus' signature
            raise
        for topic in ("events.order.*", "events.account.*"):
            self._msgbus.subscribe(topic, handler=self._on_change)
        self._write()

    @override
    def disconnect(self) -> None:
        super().disconnect()
        if self._kept is not None and self._kept.written:
            self._write(to_disk=True)
            self._kept.file.close()

    def _on_change(self, event: object) -> None:
        """Write once all that this turn of the event loop brings has happened."""
        if isinstance(event, OrderFilled) and event.instrument_id.venue == self.venue:
            self._last_fill = event.id.value
        if not self._unwritten:
            self._unwritten = True
            self._loop.call_soon(self._write)

    def _write(self, *, to_disk: bool = False) -> None:
        self._unwritten = False
        kept = self._kept
        if kept is None:
            return
        try:
            kept.state = remember(kept.state, self._cache, self.exchange, self._last_fill)
            kept.file.write(kept.state, to_disk=to_disk)
        except (OSError, ValueError) as error:
            if not kept.failure:
                _log.error("the paper account of %s cannot be kept, only what reduces passes: %s", self.venue, error)
            kept.failure = str(error)
            # Nothing may happen any more that would have it written again.
            self._loop.call_later(WRITE_AGAIN_SECONDS, self._on_change, None)
            return
        if kept.failure:
            kept.failure = ""
            _log.warning("the paper account of %s is kept again: orders pass", self.venue)
        kept.written = True

    def _on_bar(self, bar: Bar) -> None:
        bar_type = bar.bar_type
        # What was aggregated here from ticks has moved the market already, tick by tick.
        if bar_type.instrument_id.venue == self.venue and bar_type.is_externally_aggregated():
            self.on_data(bar)


async def instruments_known(kept: KeptAccount, cache: Cache, say_after_seconds: float = INSTRUMENTS_SECONDS) -> None:
    """Wait until the instruments are known that a kept account holds; say which are not if that takes long."""
    wanted, began, said = instruments_of(kept.state), time.monotonic(), False
    while missing := {name for name in wanted if cache.instrument(name) is None}:
        if not said and time.monotonic() - began >= say_after_seconds:
            said = True
            _log.error(
                "the paper account of %s holds %s, which the venue has not loaded: it cannot go on without. Move %s "
                "away if they are gone for good, to begin with the starting balances",
                kept.venue, ", ".join(sorted(map(str, missing))), kept.file.path,
            )  # fmt: skip
        await asyncio.sleep(INSTRUMENT_POLL_SECONDS)


def paper_config(venue: str, account: PaperAccount, kept: KeptAccount | None = None) -> SandboxExecutionClientConfig:
    """Return the sandbox' config for an account. Raises NodeError for a balance in a currency that Nautilus lacks."""
    balances = account.starting_balances if kept is None else kept.state.balances
    for balance in balances:
        try:
            Money.from_str(balance)
        except ValueError as error:
            raise config_refused(
                f"The starting balance {balance!r} of venue {venue} cannot be read: {error}",
                "Write amount and currency, such as 100000 USDT",
            ) from error
    return SandboxExecutionClientConfig(
        venue=venue,
        starting_balances=list(balances),
        account_type=account.account_type.upper(),
        oms_type=account.oms_type.upper(),
        default_leverage=Decimal(account.default_leverage),
        # Counted ids would begin again and meet those of orders that were kept.
        use_random_ids=kept is not None,
    )


def paper_factory(
    portfolio: Callable[[], PortfolioFacade], kept: KeptAccount | None = None
) -> type[LiveExecClientFactory]:
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
                loop=loop, portfolio=portfolio(), msgbus=msgbus, cache=cache, clock=clock, config=config, kept=kept
            )

    return PaperExecutionClientFactory
