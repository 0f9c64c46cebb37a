"""Gives Nautilus' cache back what the node had before it ended: its open orders and positions, from the books.

Strategies then own their orders again, and a fill that is told twice is known by its trade id.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from nautilus_trader.cache.cache import Cache
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.live.execution_client import LiveExecutionClient
from nautilus_trader.model.enums import OrderStatus, TriggerType
from nautilus_trader.model.events import OrderCanceled
from nautilus_trader.model.identifiers import InstrumentId, PositionId
from nautilus_trader.model.orders import Order

from trading_node.book_events import Filled, FillVoided, OrderEvent, Placed, Side
from trading_node.former_life import History, OrderHistory, PositionHistory
from trading_node.instrument_ids import InstrumentIdError
from trading_node.nautilus_own import OwnSide
from trading_node.nautilus_rebuild import (
    RebuildError,
    in_sequence,
    placing_of,
    rebuild_order,
    rebuild_position,
    since_flat,
)
from trading_node.reconciliation.difference import Difference, Kind
from trading_node.reconciliation.facts import FillKey
from trading_node.reconciliation.lost import Lost
from trading_node.venue_symbols import to_engine

_LOAD = "Load its instrument (the venue's `instruments` in the run-config) and start again"
"""For a position nothing else helps: a trade that closes it can only be taken in with its instrument."""
_LOAD_OR_CANCEL = f"{_LOAD}, or cancel it at the venue by hand"
_CLOSE = "Close it at the venue by hand and start again"
"""What closes it is taken in as a trade of nobody's; the next life begins with the sum."""
_LOCAL = (OrderStatus.INITIALIZED, OrderStatus.RELEASED)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What came back of one venue's account."""

    orders: int
    positions: int
    abandoned: tuple[Order, ...]
    """Orders of algorithms whose schedules ended with the former life: nothing will carry them out."""
    lost: tuple[Lost, ...]
    """What could not be made again; the gate stays closed as long as the venue has it."""
    last_fill_ns: int
    """When the newest fill in the books happened, by the venue's clock; 0 for none."""


class Restorer:
    """Restores the account of one client."""

    def __init__(self, cache: Cache, client: LiveExecutionClient, own: OwnSide) -> None:
        """Take a client that is connected: its instruments are in the cache."""
        self._cache = cache
        self._client = client
        self._own = own

    def restore(self, history: History) -> Restored:
        """Put everything into the cache that is not there."""
        lost: list[Lost] = []
        orders = [self._restore_order(each, lost) for each in history.orders if self._is_mine(each)]
        found = [order for order in orders if order is not None]
        account = self._client.account_id.value
        held = [each for each in history.positions if each.position.key.account_id == account]
        positions = [self._restore_position(each, lost) for each in _grouped(held)]
        mine = [fill for fill in history.fills if fill.account_id == account]
        self._own.remember(_remembered(mine))
        self._own.remember(key for each in held for key in _remembered(each.fills))
        return Restored(
            orders=len(found),
            positions=sum(positions),
            abandoned=tuple(order for order in found if _is_abandoned(order)),
            lost=tuple(lost),
            last_fill_ns=max((fill.ts_event for fill in mine), default=0),
        )

    def restore_orders(self, histories: Iterable[OrderHistory]) -> list[Order]:
        """Put single orders into the cache, also closed ones, and return those that could be made again."""
        orders = [self._restore_order(each, []) for each in histories]
        return [order for order in orders if order is not None]

    def _is_mine(self, history: OrderHistory) -> bool:
        """Whether an order is of this account: as far as its events name one, or by where it trades."""
        accounts = {event.account_id for event in history.events if not isinstance(event, Placed | FillVoided)} - {""}
        if accounts:
            return self._client.account_id.value in accounts
        placed = placing_of(history.events)
        return placed is not None and self._own.trades(placed.venue)

    def _restore_order(self, history: OrderHistory, lost: list[Lost]) -> Order | None:
        placed = placing_of(history.events)
        try:
            order = rebuild_order(history.events, self._cache.instrument, self._client.account_id)
        except RebuildError as error:
            name = history.operation_id.partition("/")[2] or history.operation_id
            message = f"the order is open in the books and cannot be made again: {error}"
            lost.append(Lost(difference=_difference(name, message, _LOAD_OR_CANCEL), client_order_id=name))
            return None
        if self._cache.order_exists(order.client_order_id):
            return None
        self._cache.add_order(order, _position_of(history.events, order), self._client.id)
        self._cache.update_order(order)
        if placed is not None and _may_have_been_sent(order):
            self._own.unsent.add(order.client_order_id)
        return order

    def _restore_position(self, group: Sequence[PositionHistory], lost: list[Lost]) -> bool:
        key = group[0].position.key
        quantity = sum((each.position.quantity for each in group), Decimal(0))
        # Each strategy's fills begin where its own share left zero: only what made the shares makes the sum.
        fills = [fill for each in group for fill in since_flat(each.position.quantity, in_sequence(each.fills))]
        name = ""
        try:
            name = to_engine(key.instrument_id, group[0].position.venue)
            instrument = self._cache.instrument(InstrumentId.from_str(name))
        except InstrumentIdError:
            instrument = None
        if quantity == 0:
            return False  # Strategies that hold against each other: the venue has nothing.
        position = None if instrument is None else rebuild_position(quantity, fills, instrument)
        if instrument is None or position is None:
            why = "is not loaded" if instrument is None else "has fills that do not make it"
            message = f"the books hold {quantity} of {key.instrument_id}, which {why}"
            remedy = _LOAD if instrument is None else _CLOSE
            difference = _difference(key.instrument_id, message, remedy)
            lost.append(Lost(difference=difference, instrument_id=name))
            return False
        if self._cache.position_exists(position.id) and not self._cache.is_position_closed(position.id):
            return False
        self._cache.add_position(position, self._client.oms_type)
        return True


def _grouped(histories: Iterable[PositionHistory]) -> list[list[PositionHistory]]:
    """Return positions together that are one in Nautilus: where the venue names it, strategies share it."""
    groups: dict[tuple[str, str], list[PositionHistory]] = {}
    for each in histories:
        key = each.position.key
        groups.setdefault((key.instrument_id, key.position_id), []).append(each)
    return list(groups.values())


def abandoned_event(order: Order, now_ns: int) -> OrderCanceled:
    """Return the end of an order whose algorithm is gone."""
    return OrderCanceled(
        trader_id=order.trader_id,
        strategy_id=order.strategy_id,
        instrument_id=order.instrument_id,
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        account_id=order.account_id,
        event_id=UUID4(),
        ts_event=now_ns,
        ts_init=now_ns,
        reconciliation=True,
    )


def missing_references(history: History) -> list[str]:
    """Return the client order ids of orders that open ones hang on and that are not open themselves."""
    have = {each.operation_id for each in history.orders}
    wanted: dict[str, None] = {}
    for each in history.orders:
        placed = placing_of(each.events)
        for operation in () if placed is None else (placed.spawn_operation_id, placed.parent_operation_id):
            if operation and operation not in have:
                wanted[operation.partition("/")[2]] = None
    return list(wanted)


def _is_abandoned(order: Order) -> bool:
    return (
        order.status in _LOCAL
        and order.exec_algorithm_id is not None
        and order.exec_spawn_id
        in (
            None,
            order.client_order_id,
        )
    )


def _may_have_been_sent(order: Order) -> bool:
    """Whether an order may have left right before the former life ended; what waits in the emulator has not."""
    waits = order.emulation_trigger != TriggerType.NO_TRIGGER
    return order.status in _LOCAL and not waits and not _is_abandoned(order)


def _position_of(events: Iterable[OrderEvent], order: Order) -> PositionId | None:
    filled = [event for event in events if isinstance(event, Filled) and event.position_id]
    return order.position_id if not filled else PositionId(filled[-1].position_id)


def _remembered(fills: Iterable[Filled]) -> Iterable[tuple[FillKey, int]]:
    for fill in fills:
        try:
            instrument = to_engine(fill.instrument_id, fill.venue)
        except InstrumentIdError:
            continue
        yield (instrument, fill.trade_id, fill.side in (Side.BUY, Side.BACK)), fill.ts_event


def _difference(subject: str, message: str, remedy: str) -> Difference:
    return Difference(kind=Kind.BOOKS, subject=subject, message=message, remedy=remedy)
