"""What a batch of events changes in the tables: pure decisions, made under the writer's lock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from trading_node.book_events import BookEvent, Filled, FillVoided, Noted, OrderEvent
from trading_node.exact import rounded
from trading_node.orders import OrderFold
from trading_node.positions import Position, PositionKey, apply_fill, fill_order, position_key


@dataclass(frozen=True, slots=True)
class FillState:
    """A fill as it stands or is to stand in its table."""

    fill: Filled
    voided: bool


@dataclass(slots=True)
class FillChanges:
    """Which fills are written, and what that means for positions."""

    written: list[FillState] = field(default_factory=list)
    fresh: dict[PositionKey, list[Filled]] = field(default_factory=dict)
    """New fills per position."""
    refold: set[PositionKey] = field(default_factory=set)
    """Positions of which a fill changed that they may contain already."""


def order_events(events: Iterable[BookEvent]) -> list[OrderEvent]:
    """Return the events that fold into orders."""
    return [event for event in events if not isinstance(event, Noted)]


def touched_fills(events: Iterable[BookEvent]) -> dict[str, set[str]]:
    """Return the operations of each fill that the events speak of, by fill id."""
    touched: dict[str, set[str]] = {}
    for event in events:
        if isinstance(event, Filled | FillVoided):
            touched.setdefault(event.fill_id, set()).add(event.operation_id)
    return touched


def fold_orders(events: Iterable[OrderEvent]) -> dict[str, OrderFold]:
    """Return the fold of each operation."""
    folds: dict[str, OrderFold] = {}
    for event in events:
        fold = folds.get(event.operation_id)
        if fold is None:
            fold = folds[event.operation_id] = OrderFold(event.operation_id)
        fold.add(event)
    return folds


def change_fills(
    touched: Mapping[str, Iterable[str]], folds: Mapping[str, OrderFold], known: Mapping[str, FillState]
) -> FillChanges:
    """Return what the folds make of the touched fills, given the rows that are there."""
    changes = FillChanges()
    for fill_id, operations in touched.items():
        told = [_told(folds[operation], fill_id) for operation in operations]
        before = known.get(fill_id)
        state = _first_hand([each for each in told if each is not None], before)
        if state is None or state == before:
            continue
        changes.written.append(state)
        if before is not None:
            changes.refold |= {position_key(state.fill), position_key(before.fill)}
        elif not state.voided:
            changes.fresh.setdefault(position_key(state.fill), []).append(state.fill)
    return changes


def _told(fold: OrderFold, fill_id: str) -> FillState | None:
    """Return the fill as an operation tells it; None where it was voided before it is known: the fold remembers."""
    fill = fold.fills.get(fill_id)
    return None if fill is None else FillState(_kept(fill), fill_id in fold.voided)


def _first_hand(told: Sequence[FillState], before: FillState | None) -> FillState | None:
    """Return how a fill stands that the operations tell and that may be there already; None where nobody tells it.

    One fill may be told under two operations, such as of an order that came back from the venue under another name:
    first hand wins, whichever comes first and whether they come together. What is there speaks for its operation as
    long as that one does not.
    """
    states = list(told)
    if before is not None and all(each.fill.operation_id != before.fill.operation_id for each in told):
        states.append(before)
    return min(states, key=lambda state: _authority(state.fill), default=None)


def _kept(fill: Filled) -> Filled:
    """Return the fill with the digits that its row keeps: positions go on from rows."""
    quantity, price, commission = (rounded(value) for value in (fill.quantity, fill.price, fill.commission))
    if (quantity, price, commission) == (fill.quantity, fill.price, fill.commission):
        return fill
    return replace(fill, quantity=quantity, price=price, commission=commission)


def _authority(fill: Filled) -> tuple[bool, int, str]:
    return fill.reconciliation, fill.ts_init, fill.event_id


def advance(position: Position | None, fresh: Iterable[Filled]) -> Position | None:
    """Return the position after new fills; None when one of them is late and the position must be folded anew."""
    for fill in sorted(fresh, key=fill_order):
        if position is not None and fill_order(fill) <= position.last_fill:
            return None
        position = apply_fill(position, fill)
    return position
