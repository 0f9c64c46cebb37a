"""What happened to orders and positions, counted as it happens: a report costs the same after a million orders."""

from collections import defaultdict, deque
from decimal import Decimal
from typing import Any

from nautilus_trader.cache.base import CacheFacade
from nautilus_trader.model.enums import (
    OrderStatus,
    PriceType,
    order_side_to_str,
    order_status_to_str,
    order_type_to_str,
)
from nautilus_trader.model.events import (
    OrderDenied,
    OrderEvent,
    OrderFilled,
    OrderInitialized,
    OrderRejected,
    PositionClosed,
    PositionEvent,
)
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId, Venue
from nautilus_trader.model.objects import Money, Price
from nautilus_trader.model.orders import Order as NautilusOrder
from nautilus_trader.model.position import Position as NautilusPosition

from trading_node.snapshot import Balance, Fill, Order, Position, Profit, Snapshot

RECENT = 50
"""Orders, fills and positions that are listed."""
_COUNTED = frozenset({OrderInitialized, OrderRejected, OrderDenied, OrderFilled})


class Tally:
    """Follows the events of orders and positions."""

    def __init__(self, cache: CacheFacade) -> None:
        self._cache = cache
        self._filled = 0
        self._rejected = 0
        self._denied = 0
        self._fills = 0
        self._closed = 0
        self._recent_orders: deque[ClientOrderId] = deque(maxlen=RECENT)
        self._recent_fills: deque[OrderFilled] = deque(maxlen=RECENT)
        self._banked: defaultdict[str, Decimal] = defaultdict(Decimal)

    def on_order_event(self, event: OrderEvent) -> None:
        """Count an event that its order has taken in already."""
        kind = type(event)
        if kind not in _COUNTED:
            return
        if kind is OrderInitialized:
            self._recent_orders.append(event.client_order_id)
        elif kind is OrderRejected:
            self._rejected += 1
        elif kind is OrderDenied:
            self._denied += 1
        else:
            self._fills += 1
            self._recent_fills.append(event)
            order = self._cache.order(event.client_order_id)
            if order is not None and order.status == OrderStatus.FILLED:
                self._filled += 1

    def on_position_event(self, event: PositionEvent) -> None:
        """Bank what a closed position has made: a netting position that opens again starts from nothing."""
        if isinstance(event, PositionClosed):
            self._closed += 1
            self._banked[event.realized_pnl.currency.code] += event.realized_pnl.as_decimal()

    def snapshot(self, venues: list[str], trading_state: str) -> Snapshot:
        """Return what is so now."""
        cache = self._cache
        positions = cache.positions_open()
        return Snapshot(
            trading_state=trading_state,
            orders_total=cache.orders_total_count(),
            orders_open=cache.orders_open_count(),
            orders_filled=self._filled,
            orders_rejected=self._rejected,
            orders_denied=self._denied,
            fills=self._fills,
            positions_open=len(positions),
            positions_closed=self._closed,
            profits=self._profits(positions),
            balances=tuple(b for venue in venues for b in self._balances(venue)),
            recent_orders=tuple(map(_order, filter(None, map(cache.order, self._latest_orders())))),
            recent_fills=tuple(_fill(fill) for fill in reversed(self._recent_fills)),
            open_positions=tuple(self._position(position) for position in positions[:RECENT]),
        )

    def _latest_orders(self) -> list[ClientOrderId]:
        """Return the latest orders, and the open ones that are older than this process."""
        resting = (order.client_order_id for order in self._cache.orders_open())
        return list(dict.fromkeys([*reversed(self._recent_orders), *resting]))[:RECENT]

    def _profits(self, positions: list[NautilusPosition]) -> tuple[Profit, ...]:
        realized = defaultdict(Decimal, self._banked)
        unrealized: defaultdict[str, Decimal] = defaultdict(Decimal)
        for position in positions:
            # Asked, not remembered: a position of a former life has told this one nothing.
            if position.realized_pnl is not None:
                realized[position.realized_pnl.currency.code] += position.realized_pnl.as_decimal()
            profit = self._unrealized(position)
            if profit is not None:
                unrealized[profit.currency.code] += profit.as_decimal()
        return tuple(
            Profit(currency=code, realized=realized[code], unrealized=unrealized[code])
            for code in sorted({*realized, *unrealized})
        )

    def _unrealized(self, position: NautilusPosition) -> Money | None:
        price = self._reference_price(position.instrument_id)
        return None if price is None else position.unrealized_pnl(price)

    def _reference_price(self, instrument_id: InstrumentId) -> Price | None:
        """Return the middle of the latest quote, else the latest trade, else the close of the latest bar."""
        for price_type in (PriceType.MID, PriceType.LAST):
            price = self._cache.price(instrument_id, price_type)
            if price is not None:
                return price
        bars = filter(None, map(self._cache.bar, self._cache.bar_types(instrument_id=instrument_id)))
        latest = max(bars, key=lambda bar: bar.ts_init, default=None)
        return None if latest is None else latest.close

    def _balances(self, venue: str) -> list[Balance]:
        account = self._cache.account_for_venue(Venue(venue))
        if account is None:
            return []
        totals = sorted(account.balances_total().items(), key=lambda item: item[0].code)
        return [Balance(venue=venue, currency=c.code, total=money.as_decimal()) for c, money in totals]

    def _position(self, position: NautilusPosition) -> Position:
        unrealized = self._unrealized(position)
        return Position(
            position_id=position.id.value,
            strategy=position.strategy_id.value,
            instrument=position.instrument_id.value,
            quantity=position.signed_decimal_qty(),
            average_price=_decimal(position.avg_px_open, position.price_precision),
            realized=position.realized_pnl.as_decimal(),
            unrealized=None if unrealized is None else unrealized.as_decimal(),
            currency=position.realized_pnl.currency.code,
        )


def _order(order: NautilusOrder) -> Order:
    return Order(
        client_order_id=order.client_order_id.value,
        strategy=order.strategy_id.value,
        instrument=order.instrument_id.value,
        side=order_side_to_str(order.side),
        type=order_type_to_str(order.order_type),
        quantity=order.quantity.as_decimal(),
        filled=order.filled_qty.as_decimal(),
        price=order.price.as_decimal() if order.has_price else None,
        status=order_status_to_str(order.status),
        time_ns=order.ts_last,
    )


def _fill(fill: OrderFilled) -> Fill:
    return Fill(
        trade_id=fill.trade_id.value,
        client_order_id=fill.client_order_id.value,
        strategy=fill.strategy_id.value,
        instrument=fill.instrument_id.value,
        side=order_side_to_str(fill.order_side),
        quantity=fill.last_qty.as_decimal(),
        price=fill.last_px.as_decimal(),
        commission=fill.commission.as_decimal(),
        commission_currency=fill.commission.currency.code,
        time_ns=fill.ts_event,
    )


def _decimal(value: Any, precision: int) -> Decimal:  # noqa: ANN401  # Nautilus averages in floating point
    return round(Decimal(repr(float(value))), precision)
