"""What a batch of events changes in the tables: pure decisions, made under the writer's lock."""

from collections.abc import Iterable, Mapping
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


def touched_fills(events: Iterable[BookEvent]) -> dict[str, str]:
    """Return the operation of each fill that the events speak of, by fill id."""
    return {event.fill_id: event.operation_id for event in events if isinstance(event, Filled | FillVoided)}


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
    touched: Mapping[str, str], folds: Mapping[str, OrderFold], known: Mapping[str, FillState]
) -> FillChanges:
    """Return what the folds make of the touched fills, given the rows that are there."""
    changes = FillChanges()
    for fill_id, operation_id in touched.items():
        fold = folds[operation_id]
        fill = fold.fills.get(fill_id)
        if fill is None:
            continue  # Voided before it is known: the fold remembers.
        state = FillState(_kept(fill), fill_id in fold.voided)
        before = known.get(fill_id)
        if before is None:
            changes.written.append(state)
            if not state.voided:
                changes.fresh.setdefault(position_key(fill), []).append(state.fill)
        elif _supersedes(state, before):
            changes.written.append(state)
            changes.refold |= {position_key(fill), position_key(before.fill)}
    return changes


def _kept(fill: Filled) -> Filled:
    """Return the fill with the digits that its row keeps: positions go on from rows."""
    quantity, price, commission = (rounded(value) for value in (fill.quantity, fill.price, fill.commission))
    if (quantity, price, commission) == (fill.quantity, fill.price, fill.commission):
        return fill
    return replace(fill, quantity=quantity, price=price, commission=commission)


def _supersedes(state: FillState, before: FillState) -> bool:
    if state.fill.operation_id == before.fill.operation_id:
        return state != before
    # One fill under two operations, such as an order that came back from the venue under another name: first hand wins.
    return _authority(state.fill) < _authority(before.fill)


def _authority(fill: Filled) -> tuple[bool, int, str]:
    return fill.reconciliation, fill.ts_init, fill.event_id


def advance(position: Position | None, fresh: Iterable[Filled]) -> Position | None:
    """Return the position after new fills; None when one of them is late and the position must be folded anew."""
    for fill in sorted(fresh, key=fill_order):
        if position is not None and fill_order(fill) <= position.last_fill:
            return None
        position = apply_fill(position, fill)
    return position
