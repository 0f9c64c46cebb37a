"""Orders as a fold of their events: any order of arrival and any repetition gives the same order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from trading_node.book_events import Amended, Fact, Filled, FillVoided, OrderEvent, Placed, Transition, TransitionKind
from trading_node.exact import exact_arithmetic, ratio


class OrderStatus(StrEnum):
    """Where an order is in its life."""

    INITIALIZED = "INITIALIZED"
    DENIED = "DENIED"
    EMULATED = "EMULATED"
    RELEASED = "RELEASED"
    SUBMITTED = "SUBMITTED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    TRIGGERED = "TRIGGERED"
    PENDING_UPDATE = "PENDING_UPDATE"
    PENDING_CANCEL = "PENDING_CANCEL"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"

    @property
    def is_closed(self) -> bool:
        """Whether the order can never be filled any more."""
        return self in _CLOSED


_CLOSED = frozenset(
    {OrderStatus.DENIED, OrderStatus.REJECTED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.FILLED}
)
# The last of these that was seen is how far an order got: each implies the ones before it.
_STAGES = (
    TransitionKind.TRIGGERED,
    TransitionKind.ACCEPTED,
    TransitionKind.SUBMITTED,
    TransitionKind.RELEASED,
    TransitionKind.EMULATED,
)
# What a venue confirmed outranks what was only concluded.
_FINAL = (TransitionKind.CANCELED, TransitionKind.EXPIRED)
# These repeat the id that was asked with: a stop that fired has another one by then.
_ECHOES = frozenset(
    {
        TransitionKind.PENDING_UPDATE,
        TransitionKind.PENDING_CANCEL,
        TransitionKind.MODIFY_REJECTED,
        TransitionKind.CANCEL_REJECTED,
    }
)
_ALIVE = frozenset({TransitionKind.ACCEPTED, TransitionKind.TRIGGERED})

Moment = tuple[int, int, str]
"""Orders facts totally and independently of arrival: a time, a rank among equals, the event's identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One operation as all known events tell it."""

    operation_id: str
    terms: Placed | None
    """None while only later events are known, such as fills of an order that was placed elsewhere."""
    status: OrderStatus
    reason: str
    details: Mapping[str, object]
    """The numbers behind the reason."""
    quantity: Decimal | None
    price: Decimal | None
    trigger_price: Decimal | None
    filled_quantity: Decimal
    average_price: Decimal | None
    """Mean price of the fills, weighted by quantity, to 18 digits."""
    commissions: Mapping[str, Decimal]
    """Per currency."""
    venue_order_id: str
    account_id: str
    tx_hash: str
    gas_used: int | None
    gas_price: Decimal | None
    ts_submitted: int | None
    ts_accepted: int | None
    ts_closed: int | None
    ts_last: int
    """When this node last learned something."""

    @property
    def is_open(self) -> bool:
        """Whether it may still be filled."""
        return not self.status.is_closed


class OrderFold:
    """Gathers the events of one operation; adding an event again or in another order changes nothing."""

    __slots__ = ("_amended", "_events", "_fills", "_latest", "_operation_id", "_placed", "_transitions", "_voided")

    def __init__(self, operation_id: str) -> None:
        self._operation_id = operation_id
        self._events: set[str] = set()
        self._placed: Placed | None = None
        self._transitions: dict[TransitionKind, list[Transition]] = {}
        self._amended: list[Amended] = []
        self._fills: dict[str, Filled] = {}
        self._voided: set[str] = set()
        self._latest = 0

    def add(self, event: OrderEvent) -> None:
        """Take one event in. Raises ValueError for an event of another operation."""
        if event.operation_id != self._operation_id:
            raise ValueError(f"event {event.event_id} is about {event.operation_id!r}, not {self._operation_id!r}")
        if event.event_id in self._events:
            return
        self._events.add(event.event_id)
        self._latest = max(self._latest, event.ts_init)
        match event:
            case Placed():
                if self._placed is None or _authority(event) < _authority(self._placed):
                    self._placed = event
            case Transition():
                self._transitions.setdefault(event.kind, []).append(event)
            case Amended():
                self._amended.append(event)
            case Filled():
                known = self._fills.get(event.fill_id)
                if known is None or _authority(event) < _authority(known):
                    self._fills[event.fill_id] = event
            case FillVoided():
                self._voided.add(event.fill_id)

    @property
    def fills(self) -> Mapping[str, Filled]:
        """Every fill by its id, also those that were taken back."""
        return self._fills

    @property
    def voided(self) -> frozenset[str]:
        """Ids of fills that were taken back, also of fills not yet known."""
        return frozenset(self._voided)

    def order(self) -> Order:
        """Return the order that the events make."""
        fills = [fill for fill_id, fill in self._fills.items() if fill_id not in self._voided]
        with exact_arithmetic():
            filled = sum((fill.quantity for fill in fills), Decimal(0))
            value = sum((fill.quantity * fill.price for fill in fills), Decimal(0))
            commissions = _commissions(fills)
        terms = self._placed
        amendments = sorted(self._amended, key=_happened)
        quantity = amendments[-1].quantity if amendments else terms.quantity if terms else None
        status, cause = self._status(filled, quantity, fills)
        bearers = self._bearers()
        return Order(
            operation_id=self._operation_id,
            terms=terms,
            status=status,
            reason=cause.reason if cause else "",
            details=cause.details if cause else {},
            quantity=quantity,
            price=_last([a.price for a in amendments], terms.price if terms else None),
            trigger_price=_last([a.trigger_price for a in amendments], terms.trigger_price if terms else None),
            filled_quantity=filled,
            average_price=ratio(value, filled) if filled else None,
            commissions=commissions,
            venue_order_id=_venue_order_id(bearers),
            account_id=_last([b.account_id or None for b in bearers], None) or "",
            tx_hash=_last([b.tx_hash or None for b in bearers if not isinstance(b, Amended)], None) or "",
            gas_used=_last([b.gas_used for b in bearers if not isinstance(b, Amended)], None),
            gas_price=_last([b.gas_price for b in bearers if not isinstance(b, Amended)], None),
            ts_submitted=self._first_time(TransitionKind.SUBMITTED),
            ts_accepted=self._first_time(TransitionKind.ACCEPTED),
            ts_closed=self._closed_at(status, cause, fills),
            ts_last=self._latest,
        )

    def _status(
        self, filled: Decimal, quantity: Decimal | None, fills: list[Filled]
    ) -> tuple[OrderStatus, Transition | None]:
        if quantity and filled >= quantity and not self._in_quote_units():
            return OrderStatus.FILLED, None
        for kind in _FINAL:
            if kind in self._transitions:
                return OrderStatus(kind.value), min(self._transitions[kind], key=_learned)
        rejected = self._newest(TransitionKind.REJECTED)
        if rejected and _learned(rejected) > self._last_sign_of_life(fills):
            return OrderStatus.REJECTED, rejected
        denied = self._newest(TransitionKind.DENIED)
        if denied:
            return OrderStatus.DENIED, denied
        return self._open_status(bool(fills)), None

    def _open_status(self, has_fills: bool) -> OrderStatus:
        if self._is_pending(TransitionKind.PENDING_CANCEL, self._times(TransitionKind.CANCEL_REJECTED)):
            return OrderStatus.PENDING_CANCEL
        answers = self._times(TransitionKind.MODIFY_REJECTED) + [(a.ts_init, 1, a.event_id) for a in self._amended]
        if self._is_pending(TransitionKind.PENDING_UPDATE, answers):
            return OrderStatus.PENDING_UPDATE
        if has_fills:
            return OrderStatus.PARTIALLY_FILLED
        for kind in _STAGES:
            if kind in self._transitions:
                return OrderStatus(kind.value)
        return OrderStatus.INITIALIZED

    def _is_pending(self, asked: TransitionKind, answers: list[Moment]) -> bool:
        asks = self._transitions.get(asked)
        if not asks:
            return False
        # Ranked below an answer of the same nanosecond: simulated clocks stand still between events.
        newest = max((ask.ts_init, 0, ask.event_id) for ask in asks)
        return all(answer < newest for answer in answers)

    def _times(self, kind: TransitionKind) -> list[Moment]:
        return [(t.ts_init, 1, t.event_id) for t in self._transitions.get(kind, ())]

    def _last_sign_of_life(self, fills: list[Filled]) -> Moment:
        """Newest proof that the order lived: a rejection learned before it was a guess that proved wrong."""
        proofs = [_learned(t) for kind in _ALIVE for t in self._transitions.get(kind, ())]
        proofs += [_learned(event) for event in (*fills, *self._amended)]
        return max(proofs, default=(0, 0, ""))

    def _newest(self, kind: TransitionKind) -> Transition | None:
        return max(self._transitions.get(kind, ()), key=_learned, default=None)

    def _in_quote_units(self) -> bool:
        if self._amended:
            return max(self._amended, key=_happened).quote_quantity
        return bool(self._placed and self._placed.quote_quantity)

    def _bearers(self) -> list[Transition | Amended | Filled]:
        """Events that may name the venue's own ids, in the order in which they were learned."""
        transitions = [t for several in self._transitions.values() for t in several]
        return sorted([*transitions, *self._amended, *self._fills.values()], key=_learned)

    def _first_time(self, kind: TransitionKind) -> int | None:
        return min((t.ts_event for t in self._transitions.get(kind, ())), default=None)

    @staticmethod
    def _closed_at(status: OrderStatus, cause: Transition | None, fills: list[Filled]) -> int | None:
        if status is OrderStatus.FILLED:
            return max(fill.ts_event for fill in fills)
        return cause.ts_event if cause else None


def fold_order(operation_id: str, events: Iterable[OrderEvent]) -> Order:
    """Return the order that the events make. Raises ValueError for an event of another operation."""
    fold = OrderFold(operation_id)
    for event in events:
        fold.add(event)
    return fold.order()


def _authority(event: Placed | Filled) -> tuple[bool, int, str]:
    """Less is better: first hand before reconciled, earlier before later."""
    return event.reconciliation, event.ts_init, event.event_id


def _learned(event: Fact) -> Moment:
    return event.ts_init, 0, event.event_id


def _happened(event: Amended) -> Moment:
    return event.ts_event, event.ts_init, event.event_id


def _venue_order_id(bearers: Sequence[Transition | Amended | Filled]) -> str:
    """Return the newest id that the venue gave; of requests and their refusals only where it gave none."""
    given = [b.venue_order_id for b in bearers if not (isinstance(b, Transition) and b.kind in _ECHOES)]
    asked_with = [b.venue_order_id for b in bearers]
    return next((each for each in (*reversed(given), *reversed(asked_with)) if each), "")


def _last[T](values: list[T | None], otherwise: T | None) -> T | None:
    return next((value for value in reversed(values) if value is not None), otherwise)


def _commissions(fills: list[Filled]) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = {}
    for fill in fills:
        if fill.commission:
            totals[fill.commission_currency] = totals.get(fill.commission_currency, Decimal(0)) + fill.commission
    return dict(sorted(totals.items()))
