"""What the examples share: one instrument, one order at a time, market orders, flat at the end."""

from decimal import Decimal
from typing import override

from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import OrderDenied, OrderRejected
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.orders import Order
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

REST = Decimal("0.01")
"""Part of the trade size that is not worth an order: a fee taken in coins leaves less than was bought."""


class OneInstrumentConfig(StrategyConfig, frozen=True, forbid_unknown_fields=True):  # type: ignore[misc, call-arg]
    """What to trade and how much of it."""

    instrument_id: InstrumentId
    trade_size: Decimal


class OneInstrument(Strategy):  # type: ignore[misc]
    """Holds a quantity of one instrument that subclasses choose at each trade of the market.

    It works on trades rather than on time bars, so that it does the same at any speed of a replay.
    """

    def __init__(self, config: OneInstrumentConfig) -> None:
        if config.trade_size <= 0:
            raise ValueError(f"trade_size ({config.trade_size}) must be greater than 0")
        super().__init__(config)
        self._instrument: Instrument | None = None
        self._sent: Order | None = None

    @override
    def on_start(self) -> None:
        self._instrument = self.cache.instrument(self.config.instrument_id)
        if self._instrument is None:
            raise ValueError(f"no venue knows the instrument {self.config.instrument_id}")
        self.subscribe_trade_ticks(self.config.instrument_id)

    @override
    def on_order_denied(self, event: OrderDenied) -> None:
        self._give_up(event.reason)

    @override
    def on_order_rejected(self, event: OrderRejected) -> None:
        self._give_up(event.reason)

    @override
    def on_stop(self) -> None:
        self.cancel_all_orders(self.config.instrument_id)
        self.close_all_positions(self.config.instrument_id)

    def hold(self, quantity: Decimal) -> None:
        """Buy or sell so that this quantity is held, negative for short; not while an order is at work."""
        if self._instrument is None or self._order_at_work():
            return
        change = quantity - self.holding()
        if abs(change) > self.config.trade_size * REST:
            side = OrderSide.BUY if change > 0 else OrderSide.SELL
            size = self._instrument.make_qty(abs(change))
            self._sent = self.order_factory.market(self.config.instrument_id, side, size)
            self.submit_order(self._sent)

    def holding(self) -> Decimal:
        """Return the quantity that this strategy holds."""
        positions = self.cache.positions_open(instrument_id=self.config.instrument_id, strategy_id=self.id)
        return sum((position.signed_decimal_qty() for position in positions), Decimal(0))

    def _order_at_work(self) -> bool:
        # Between its making and its sending an order is neither open nor in flight, and more trades may come by then.
        if self._sent is not None and not self._sent.is_closed:
            return True
        mine = {"instrument_id": self.config.instrument_id, "strategy_id": self.id}
        return bool(self.cache.orders_open_count(**mine) or self.cache.orders_inflight_count(**mine))

    def _give_up(self, reason: str) -> None:
        # The next trade of the market would bring the same order again.
        text = f"an order was refused, so this strategy stops: {reason}"
        self.log.error(text)
        self.stop()
