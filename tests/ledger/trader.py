"""A strategy without a plan: it does anything that a strategy may do, quickly, by chance drawn from a seed.

The node loads it by import path. What it does next depends on what it finds (its open orders, its position), so that it
goes on after a restart with whatever the node restored for it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any, override

from nautilus_trader.config import StrategyConfig
from nautilus_trader.model.enums import OrderSide, OrderStatus, OrderType, TimeInForce, TriggerType
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.orders import Order
from nautilus_trader.trading.strategy import Strategy

MOST_OPEN = 12
"""Open orders above which it only cancels: venues allow so many, and a history has to end."""
_MODIFIABLE = (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)


class LedgerTraderConfig(StrategyConfig, frozen=True, forbid_unknown_fields=True):  # type: ignore[misc, call-arg]
    instrument_id: InstrumentId
    seed: int
    life: int
    """How often the node has started: each life draws other actions."""
    interval_ms: int
    lot: Decimal
    spacing: Decimal
    start_price: Decimal
    """Used until the market is heard."""
    features: list[str] = []  # noqa: RUF012  # msgspec copies it
    most_lots: int = 12
    """Position above which it only reduces."""
    spot: bool = False


class LedgerTrader(Strategy):  # type: ignore[misc]
    def __init__(self, config: LedgerTraderConfig) -> None:
        super().__init__(config)
        self._rng = random.Random(f"{config.seed}:{config.life}:{config.instrument_id}:{config.order_id_tag}")
        self._actions: list[tuple[Callable[[], None], int]] = [
            (self._market, 12),
            (lambda: self._limit(self._near()), 18),
            (lambda: self._limit(self._far()), 14),
            (lambda: self._limit(self._near(), time_in_force=TimeInForce.IOC), 8),
            (self._cancel, 14),
            (self._cancel_all, 1),
        ]
        optional = {
            "post_only": (lambda: self._limit(self._near(), post_only=True), 12),
            "fok": (lambda: self._limit(self._near(), time_in_force=TimeInForce.FOK), 3),
            "modify": (self._modify, 12),
            "stop": (self._stop_order, 4),
            "list": (self._list, 4),
            "emulated": (self._emulated, 6),
            "bracket": (self._bracket, 1),
        }
        self._actions += [action for name, action in optional.items() if name in config.features]

    @override
    def on_start(self) -> None:
        self.instrument = self.cache.instrument(self.config.instrument_id)
        if self.instrument is None:
            raise ValueError(f"no venue knows the instrument {self.config.instrument_id}")
        self.subscribe_quote_ticks(self.config.instrument_id)
        self.clock.set_timer("act", timedelta(milliseconds=self.config.interval_ms), callback=self._act)

    @override
    def on_stop(self) -> None:
        self.clock.cancel_timers()

    def _act(self, _event: Any) -> None:
        if len(self._open()) >= MOST_OPEN:
            self._rng.choice((self._cancel, self._cancel, self._cancel_all))()
            return
        actions, weights = zip(*self._actions, strict=True)
        self._rng.choices(actions, weights)[0]()

    # What there is

    def _open(self) -> list[Order]:
        held = {"instrument_id": self.config.instrument_id, "strategy_id": self.id}
        orders: list[Order] = self.cache.orders_open(**held) + self.cache.orders_emulated(**held)
        return sorted(orders, key=lambda order: order.client_order_id.value)

    def _held(self) -> Decimal:
        positions = self.cache.positions_open(instrument_id=self.config.instrument_id, strategy_id=self.id)
        return sum((position.signed_decimal_qty() for position in positions), Decimal(0))

    def _mid(self) -> Decimal:
        quote = self.cache.quote_tick(self.config.instrument_id)
        if quote is None:
            return Decimal(self.config.start_price)
        return Decimal((quote.bid_price.as_decimal() + quote.ask_price.as_decimal()) / 2)

    # What is drawn

    def _side(self) -> OrderSide:
        lots = self._held() / self.config.lot
        if abs(lots) >= self.config.most_lots:
            return OrderSide.SELL if lots > 0 else OrderSide.BUY
        return self._rng.choice((OrderSide.BUY, OrderSide.SELL))

    def _size(self) -> Any:
        return self.instrument.make_qty(self.config.lot * self._rng.randint(1, 4))

    def _near(self) -> int:
        """In spacings, towards the other side: what is above zero may trade at once."""
        return self._rng.randint(-4, 3)

    def _far(self) -> int:
        return -self._rng.randint(20, 400)

    def _price(self, side: OrderSide, towards: int) -> Any:
        sign = 1 if side == OrderSide.BUY else -1
        steps = int(self._mid() / self.config.spacing) + sign * towards
        return self.instrument.make_price(self.config.spacing * steps)

    # What is done

    def _market(self) -> None:
        reduce = not self.config.spot and self._held() != 0 and self._rng.random() < 0.2
        side = (OrderSide.SELL if self._held() > 0 else OrderSide.BUY) if reduce else self._side()
        self.submit_order(self.order_factory.market(self.config.instrument_id, side, self._size(), reduce_only=reduce))

    def _make_limit(self, towards: int, **terms: Any) -> Order:
        side = self._side()
        return self.order_factory.limit(
            self.config.instrument_id, side, self._size(), self._price(side, towards), **terms
        )

    def _limit(self, towards: int, **terms: Any) -> None:
        self.submit_order(self._make_limit(towards, **terms))

    def _emulated(self) -> None:
        """An order that the node itself holds until the market reaches it."""
        self._limit(self._rng.choice((self._near(), self._far())), emulation_trigger=TriggerType.BID_ASK)

    def _list(self) -> None:
        orders = [self._make_limit(self._far()) for _ in range(self._rng.randint(2, 3))]
        self.submit_order_list(self.order_factory.create_list(orders))

    def _bracket(self) -> None:
        side = self._side()
        out, back = self._price(side, 30), self._price(side, -30)
        self.submit_order_list(
            self.order_factory.bracket(
                self.config.instrument_id, side, self._size(),
                entry_order_type=OrderType.LIMIT, entry_price=self._price(side, -2),
                tp_price=out, sl_trigger_price=back,
            )
        )  # fmt: skip

    def _stop_order(self) -> None:
        side = self._side()
        self.submit_order(
            self.order_factory.stop_market(
                self.config.instrument_id, side, self._size(), self._price(side, self._rng.randint(3, 12)),
                trigger_type=TriggerType.LAST_PRICE,
            )
        )  # fmt: skip

    def _modify(self) -> None:
        limits = [
            order
            for order in self._open()
            if order.order_type == OrderType.LIMIT and order.status in _MODIFIABLE and not order.is_pending_update
        ]
        if not limits:
            self._limit(self._far())
            return
        order = self._rng.choice(limits)
        price = self._price(order.side, self._rng.choice((self._near(), self._far())))
        quantity = self.instrument.make_qty(order.filled_qty.as_decimal() + self._size().as_decimal())
        terms = self._rng.choice(({"price": price}, {"quantity": quantity, "price": price}))
        self.modify_order(order, **terms)

    def _cancel(self) -> None:
        orders = [order for order in self._open() if not order.is_pending_cancel]
        if orders:
            self.cancel_order(self._rng.choice(orders))

    def _cancel_all(self) -> None:
        self.cancel_all_orders(self.config.instrument_id)
