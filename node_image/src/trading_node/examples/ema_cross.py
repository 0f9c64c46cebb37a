"""Follows the trend: long while the fast average of the trades is above the slow one."""

from decimal import Decimal
from typing import override

from nautilus_trader.indicators import ExponentialMovingAverage
from nautilus_trader.model.data import TradeTick
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.trading.config import PositiveInt, StrategyConfig
from nautilus_trader.trading.strategy import Strategy


class EmaCrossConfig(StrategyConfig, frozen=True, forbid_unknown_fields=True):  # type: ignore[misc, call-arg]
    """What to trade, how much of it, and over how many trades to average."""

    instrument_id: InstrumentId
    trade_size: Decimal
    fast: PositiveInt = 10
    slow: PositiveInt = 20
    allow_short: bool = False
    """Whether to sell short while the fast average is below; needs a Margin account."""


class EmaCross(Strategy):  # type: ignore[misc]
    """Trades on each crossing of two exponential moving averages of the trade price.

    It works on trades rather than on time bars, so that it does the same at any speed of a replay.
    """

    def __init__(self, config: EmaCrossConfig) -> None:
        if config.fast >= config.slow:
            raise ValueError(f"fast ({config.fast}) must be less than slow ({config.slow})")
        super().__init__(config)
        self._fast = ExponentialMovingAverage(config.fast)
        self._slow = ExponentialMovingAverage(config.slow)
        self._instrument: Instrument | None = None

    @override
    def on_start(self) -> None:
        self._instrument = self.cache.instrument(self.config.instrument_id)
        if self._instrument is None:
            raise ValueError(f"no venue knows the instrument {self.config.instrument_id}")
        for average in (self._fast, self._slow):
            self.register_indicator_for_trade_ticks(self.config.instrument_id, average)
        self.subscribe_trade_ticks(self.config.instrument_id)

    @override
    def on_trade_tick(self, tick: TradeTick) -> None:
        if not self._slow.initialized or self._order_at_work():
            return
        wanted = self.config.trade_size if self._fast.value > self._slow.value else -self.config.trade_size
        if not self.config.allow_short:
            wanted = max(wanted, Decimal(0))
        change = wanted - self._holding()
        if change:
            self._submit(OrderSide.BUY if change > 0 else OrderSide.SELL, abs(change))

    @override
    def on_stop(self) -> None:
        self.cancel_all_orders(self.config.instrument_id)
        self.close_all_positions(self.config.instrument_id)

    @override
    def on_reset(self) -> None:
        self._fast.reset()
        self._slow.reset()

    def _holding(self) -> Decimal:
        positions = self.cache.positions_open(instrument_id=self.config.instrument_id, strategy_id=self.id)
        return sum((position.signed_decimal_qty() for position in positions), Decimal(0))

    def _order_at_work(self) -> bool:
        instrument_id = self.config.instrument_id
        return bool(
            self.cache.orders_open_count(instrument_id=instrument_id, strategy_id=self.id)
            or self.cache.orders_inflight_count(instrument_id=instrument_id, strategy_id=self.id)
        )

    def _submit(self, side: OrderSide, quantity: Decimal) -> None:
        assert self._instrument is not None  # noqa: S101  # set in on_start, or the strategy did not start
        order = self.order_factory.market(self.config.instrument_id, side, self._instrument.make_qty(quantity))
        self.submit_order(order)
