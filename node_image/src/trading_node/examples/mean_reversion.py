"""Bets on a return to the mean: buys what is unusually cheap, sells when it is back."""

from collections import deque
from decimal import Decimal
from typing import override

from nautilus_trader.model.data import TradeTick
from nautilus_trader.trading.config import PositiveInt

from trading_node.examples.one_instrument import OneInstrument, OneInstrumentConfig


class MeanReversionConfig(OneInstrumentConfig, frozen=True, forbid_unknown_fields=True):  # type: ignore[call-arg]
    """What counts as unusual."""

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


class MeanReversion(OneInstrument):
    """Buys below the band around the mean of the trades and sells at the mean."""

    def __init__(self, config: MeanReversionConfig) -> None:
        if config.deviations <= 0:
            raise ValueError(f"deviations ({config.deviations}) must be greater than 0")
        super().__init__(config)
        self._prices = RollingMean(config.window)

    @override
    def on_trade_tick(self, tick: TradeTick) -> None:
        price = tick.price.as_decimal()
        self._prices.add(price)
        if not self._prices.full:
            return
        below = self._prices.mean - price
        if below <= 0:
            self.hold(Decimal(0))
        elif below**2 > self.config.deviations**2 * self._prices.variance:
            self.hold(self.config.trade_size)

    @override
    def on_reset(self) -> None:
        self._prices = RollingMean(self.config.window)
