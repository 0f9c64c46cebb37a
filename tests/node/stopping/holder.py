"""A strategy that places orders which do not fill, takes a position, and then does what the test wants of it."""

import time
from decimal import Decimal
from typing import Any

from nautilus_trader.model.enums import OrderSide, TriggerType
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

from trading_node.nautilus_streams import StreamWatch


def _broken(_: StreamWatch) -> bool:
    raise RuntimeError("broken on purpose")


class HolderConfig(StrategyConfig, frozen=True, forbid_unknown_fields=True):  # type: ignore[misc, call-arg]
    instrument_id: InstrumentId
    orders: int = 2
    """Resting orders, far from the market, in turns to buy and to sell."""
    quantity: Decimal = Decimal("0.05")
    hold: Decimal = Decimal(0)
    """Signed quantity that is bought or sold at the market."""
    emulated: bool = False
    """Whether one more order waits in the node alone."""
    then: str = ""
    """What follows once all of it is there: raise, block the event loop, or unwatch: break what watches the stream."""


class Holder(Strategy):  # type: ignore[misc]
    def __init__(self, config: HolderConfig) -> None:
        super().__init__(config)
        self.placed = False

    def on_start(self) -> None:
        self.subscribe_quote_ticks(self.config.instrument_id)

    def on_quote_tick(self, tick: Any) -> None:
        if not self.placed:
            self.placed = True
            self._place(tick)
        elif self.config.then and self._is_complete():
            if self.config.then == "raise":
                raise RuntimeError("broken on purpose")
            if self.config.then == "unwatch":
                StreamWatch.is_up = _broken  # type: ignore[method-assign, assignment]
                return
            print("blocked on purpose", flush=True)
            time.sleep(600)

    def _is_complete(self) -> bool:
        held = sum(abs(p.signed_decimal_qty()) for p in self.cache.positions_open(strategy_id=self.id))
        return self.cache.orders_open_count(strategy_id=self.id) == self.config.orders and bool(
            held == abs(self.config.hold)
        )

    def _place(self, tick: Any) -> None:
        instrument = self.cache.instrument(self.config.instrument_id)
        price, size = tick.bid_price.as_decimal(), instrument.make_qty(self.config.quantity)
        for number in range(self.config.orders):
            buy = number % 2 == 0
            away = Decimal(1) + Decimal(10 + number) / (-100 if buy else 100)
            self.submit_order(
                self.order_factory.limit(
                    instrument.id,
                    OrderSide.BUY if buy else OrderSide.SELL,
                    size,
                    instrument.make_price((price * away).quantize(Decimal(1))),
                )
            )
        if self.config.emulated:
            self.submit_order(
                self.order_factory.stop_market(
                    instrument.id,
                    OrderSide.BUY,
                    size,
                    instrument.make_price((price * Decimal("1.2")).quantize(Decimal(1))),
                    emulation_trigger=TriggerType.BID_ASK,
                )
            )
        if self.config.hold:
            side = OrderSide.BUY if self.config.hold > 0 else OrderSide.SELL
            self.submit_order(
                self.order_factory.market(instrument.id, side, instrument.make_qty(abs(self.config.hold)))
            )
