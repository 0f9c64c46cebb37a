"""What has to be set right between a paper account and the books after a kill: pure.

The books are told each event before anybody acts on it, the account is kept at the end of a turn of the event loop. A
process that is killed in between leaves fills in the books that the account does not have, and a part-filled order is
not kept at all. The account goes on as it was kept, so its word counts for fills; the books' word counts for the end of
an order, which they cannot take back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from trading_node.book_events import (
    BookEvent,
    Filled,
    FillVoided,
    Placed,
    Side,
    Transition,
    TransitionKind,
    operation_id,
)
from trading_node.former_life import OrderHistory
from trading_node.instrument_ids import InstrumentType
from trading_node.orders import Order, OrderStatus
from trading_node.positions import Position
from trading_node.reconciliation.facts import OPENING
from trading_node.store.projection import fold_orders
from trading_node.venue_symbols import to_engine
from trading_node.venues.paper_state import KeptPosition, PaperState, independent

NOT_KEPT = "the paper account went on without it after a kill"
_ANSWERS = {
    OrderStatus.PENDING_CANCEL: TransitionKind.CANCEL_REJECTED,
    OrderStatus.PENDING_UPDATE: TransitionKind.MODIFY_REJECTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How both go on."""

    events: tuple[BookEvent, ...]
    """For the books."""
    state: PaperState
    """The account, without orders that the books say are closed."""
    terms: Mapping[str, Order]
    """The resting orders as the books have them, by client order id."""


def settle(
    state: PaperState,
    *,
    venue: str,
    orders: Sequence[OrderHistory],
    late: Sequence[Filled],
    now_ns: int,
    new_id: Callable[[], str],
) -> Settlement:
    """Return how a kept account and the books go on.

    orders: those that the books have open, that rest in the account, or that `late` belongs to; late: fills that the
    books have of the account and that came after the last one that it kept.
    """

    def moved(operation: str, kind: TransitionKind) -> Transition:
        return Transition(
            event_id=new_id(), operation_id=operation, ts_event=now_ns, ts_init=now_ns, reconciliation=True, kind=kind,
            reason=NOT_KEPT,
        )  # fmt: skip

    events: list[BookEvent] = []
    voids = [
        FillVoided(
            event_id=new_id(), operation_id=fill.operation_id, ts_event=now_ns, ts_init=now_ns, reconciliation=True,
            fill_id=fill.fill_id, reason=NOT_KEPT,
        )
        for fill in late
    ]  # fmt: skip
    events += voids
    folds = fold_orders([*(event for history in orders for event in history.events), *voids])
    known = [order for order in (fold.order() for fold in folds.values()) if order.terms and order.terms.venue == venue]
    ended = {order.terms.client_order_id for order in known if order.terms and not order.is_open}
    kept = independent([(name, linked) for name, linked in map(_name_and_links, state.orders) if name not in ended])
    terms: dict[str, Order] = {}
    for order in known:
        if order.terms is None or not order.is_open:
            continue
        if order.terms.client_order_id not in kept:
            events.append(moved(order.operation_id, TransitionKind.CANCELED))
            continue
        terms[order.terms.client_order_id] = order
        if order.status in _ANSWERS:
            events.append(moved(order.operation_id, _ANSWERS[order.status]))
    resting = tuple(order for order in state.orders if _name_and_links(order)[0] in kept)
    return Settlement(events=tuple(events), state=state.model_copy(update={"orders": resting}), terms=terms)


def order_ids(state: PaperState) -> list[str]:
    """Return the client order ids of what rests."""
    return [_name_and_links(order)[0] for order in state.orders]


def _name_and_links(order: Sequence[Mapping[str, object]]) -> tuple[str, list[str]]:
    linked = order[0].get("linked_order_ids") or []
    return str(order[0]["client_order_id"]), [str(each) for each in linked] if isinstance(linked, list) else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What the books lack of a position, or have too much."""

    strategy: str
    position_id: str
    """As the books name it."""
    account_id: str
    instrument: str
    """As the engine names it."""
    quantity: Decimal
    """Signed, not zero."""
    price: Decimal
    known: Position | None
    """The books' position, where they have one."""


def owed(state: PaperState, positions: Sequence[Position], *, venue: str, run: str) -> tuple[Owed, ...]:
    """Return by how much the account's positions differ from those that the books have of it."""
    mine = {
        (position.key.strategy_id, position.key.position_id): position
        for position in positions
        if position.venue == venue and position.key.position_id.endswith(f"@{run}")
    }
    found = []
    for kept in state.positions:
        key = kept.strategy_id, f"{kept.position_id}@{run}"
        known = mine.pop(key, None)
        difference = _signed(kept) - (known.quantity if known else 0)
        if difference:
            found.append(
                Owed(
                    strategy=key[0], position_id=key[1], account_id=kept.account_id, instrument=kept.instrument_id,
                    quantity=difference, price=Decimal(str(kept.average_price)), known=known,
                )
            )  # fmt: skip
    for (strategy, position_id), position in mine.items():
        if position.average_price is not None:
            found.append(
                Owed(
                    strategy=strategy, position_id=position_id, account_id=position.key.account_id,
                    instrument=to_engine(position.key.instrument_id, venue), quantity=-position.quantity,
                    price=position.average_price, known=position,
                )
            )  # fmt: skip
    return tuple(found)


def _signed(kept: KeptPosition) -> Decimal:
    return Decimal(kept.quantity) * Side(kept.side).sign


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a fill says of its instrument."""

    instrument_id: str
    """Canonical."""
    base: str
    quote: str
    settlement: str
    multiplier: Decimal
    inverse: bool

    @property
    def spot(self) -> bool:
        """Whether what is bought is held."""
        return self.instrument_id.split(":")[1] == InstrumentType.SPOT


def terms_of(position: Position) -> Terms:
    """Return what a position says of its instrument."""
    return Terms(
        instrument_id=position.key.instrument_id,
        base=position.base_currency,
        quote=position.quote_currency,
        settlement=position.settlement_currency,
        multiplier=position.multiplier,
        inverse=position.inverse,
    )


def take_in(
    lacking: Owed, terms: Terms, *, trader_id: str, venue: str, now_ns: int, new_id: Callable[[], str]
) -> tuple[BookEvent, ...]:
    """Return the order and the fill that stand in the books for a difference that no event explains."""
    name = f"{OPENING}{new_id()}"
    side = Side.BUY if lacking.quantity > 0 else Side.SELL
    operation = operation_id(trader_id, name)
    placed = Placed(
        event_id=new_id(), operation_id=operation, ts_event=now_ns, ts_init=now_ns, reconciliation=True,
        trader_id=trader_id, strategy_id=lacking.strategy, venue=venue, instrument_id=terms.instrument_id,
        venue_symbol=lacking.instrument, client_order_id=name, side=side, order_type="MARKET", time_in_force="GTC",
        quantity=abs(lacking.quantity),
    )  # fmt: skip
    filled = Filled(
        event_id=new_id(), operation_id=operation, ts_event=now_ns, ts_init=now_ns, reconciliation=True,
        trader_id=trader_id, strategy_id=lacking.strategy, venue=venue, account_id=lacking.account_id,
        instrument_id=terms.instrument_id, client_order_id=name, trade_id=name, position_id=lacking.position_id,
        side=side, quantity=abs(lacking.quantity), price=lacking.price, base_currency=terms.base,
        quote_currency=terms.quote, settlement_currency=terms.settlement, multiplier=terms.multiplier,
        inverse=terms.inverse, spot=terms.spot,
    )  # fmt: skip
    return placed, filled
