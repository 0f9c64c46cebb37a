"""Follows the trend: long while the fast average of the trades is above the slow one."""

from decimal import Decimal
from typing import override

from nautilus_trader.indicators import ExponentialMovingAverage
from nautilus_trader.model.data import TradeTick
from nautilus_trader.trading.config import PositiveInt

from trading_node.examples.one_instrument import OneInstrument, OneInstrumentConfig


class EmaCrossConfig(OneInstrumentConfig, frozen=True, forbid_unknown_fields=True):  # type: ignore[call-arg]
    """Over how many trades to average."""

    fast: PositiveInt = 10
    slow: PositiveInt = 20
    allow_short: bool = False
    """Whether to sell short while the fast average is below; needs a Margin account."""


class EmaCross(OneInstrument):
    """Trades on each crossing of two exponential moving averages of the trade price."""

    def __init__(self, config: EmaCrossConfig) -> None:
        if config.fast >= config.slow:
            raise ValueError(f"fast ({config.fast}) must be less than slow ({config.slow})")
        super().__init__(config)
        self._fast = ExponentialMovingAverage(config.fast)
        self._slow = ExponentialMovingAverage(config.slow)

    @override
    def on_start(self) -> None:
        for average in (self._fast, self._slow):
            self.register_indicator_for_trade_ticks(self.config.instrument_id, average)
        super().on_start()

    @override
    def on_trade_tick(self, tick: TradeTick) -> None:
        if not self._slow.initialized:
            return
        if self._fast.value > self._slow.value:
            self.hold(self.config.trade_size)
        else:
            self.hold(-self.config.trade_size if self.config.allow_short else Decimal(0))

    @override
    def on_reset(self) -> None:
        self._fast.reset()
        self._slow.reset()
