"""Bets on a return to the mean: buys what is unusually cheap, sells when it is back."""

from collections import deque
from decimal import Decimal
from typing import override

from nautilus_trader.model.data import TradeTick
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.trading.config import PositiveInt, StrategyConfig
from nautilus_trader.trading.strategy import Strategy


class MeanReversionConfig(StrategyConfig, frozen=True, forbid_unknown_fields=True):  # type: ignore[misc, call-arg]
    """What to trade, how much of it, and what counts as unusual."""

    instrument_id: InstrumentId
    trade_size: Decimal
    window: PositiveInt = 50
    """Trades that the mean is taken over."""
    deviations: Decimal = Decimal("1.5")
    """Standard deviations below the mean at which to buy."""


class RollingMean:
    """Mean and variance of the last values, exact: sums of decimals, so that nothing drifts."""

    def __init__(self, size: int) -> None:
        self._values: deque[Decimal] = deque(maxlen=size)
        self._sum = Decimal(0)
        self._squares = Decimal(0)

    def add(self, value: Decimal) -> None:
        """Take a value in; the oldest one leaves."""
        if self.full:
            oldest = self._values[0]
            self._sum -= oldest
            self._squares -= oldest * oldest
        self._values.append(value)
        self._sum += value
        self._squares += value * value

    @property
    def full(self) -> bool:
        """Whether as many values were seen as are averaged."""
        return len(self._values) == self._values.maxlen

    @property
    def mean(self) -> Decimal:
        """Mean of the values."""
        return self._sum / len(self._values)

    @property
    def variance(self) -> Decimal:
        """Variance of the values."""
        return max(self._squares / len(self._values) - self.mean**2, Decimal(0))


class MeanReversion(Strategy):  # type: ignore[misc]
    """Buys below the band around the mean of the trades and sells at the mean."""

    def __init__(self, config: MeanReversionConfig) -> None:
        if config.deviations <= 0:
            raise ValueError(f"deviations ({config.deviations}) must be greater than 0")
        super().__init__(config)
        self._prices = RollingMean(config.window)
        self._instrument: Instrument | None = None

    @override
    def on_start(self) -> None:
        self._instrument = self.cache.instrument(self.config.instrument_id)
        if self._instrument is None:
            raise ValueError(f"no venue knows the instrument {self.config.instrument_id}")
        self.subscribe_trade_ticks(self.config.instrument_id)

    @override
    def on_trade_tick(self, tick: TradeTick) -> None:
        price = tick.price.as_decimal()
        self._prices.add(price)
        if not self._prices.full or self._order_at_work():
            return
        below = self._prices.mean - price
        holding = self._holding()
        if not holding and below > 0 and below**2 > self.config.deviations**2 * self._prices.variance:
            self._submit(OrderSide.BUY, self.config.trade_size)
        elif holding and below <= 0:
            self._submit(OrderSide.SELL, holding)

    @override
    def on_stop(self) -> None:
        self.cancel_all_orders(self.config.instrument_id)
        self.close_all_positions(self.config.instrument_id)

    @override
    def on_reset(self) -> None:
        self._prices = RollingMean(self.config.window)

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
