"""Nautilus' events into the books: the only part of the books that knows Nautilus.

It listens on the message bus ahead of the strategies, so that an event is in the journal before anybody acts on it. An
event that it cannot translate is noted as it is: nothing is dropped.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import MessageBus
from nautilus_trader.model import events as nautilus
from nautilus_trader.model.enums import (
    ContingencyType,
    LiquiditySide,
    OrderSide,
    OrderType,
    TimeInForce,
    TriggerType,
    contingency_type_to_str,
    position_side_to_str,
    trigger_type_to_str,
)
from nautilus_trader.model.identifiers import AccountId, ClientOrderId, InstrumentId
from nautilus_trader.model.objects import Price, Quantity

from trading_api.adapters import Adapter
from trading_node.book_events import (
    Amended,
    BookEvent,
    Filled,
    Noted,
    Operation,
    Placed,
    Side,
    Transition,
    TransitionKind,
    operation_id,
)
from trading_node.instrument_ids import InstrumentType
from trading_node.nautilus_traits import Traits, read_traits
from trading_node.risk.decision import Deny
from trading_node.store.codec import UNTRANSLATED, show
from trading_node.venue_symbols import to_canonical

TOPICS = ("events.order.*", "events.position.*", "events.account.*")
PRIORITY = 20
"""On the bus: before strategies, which listen at 0, and before the gate's own account of things."""
ACCOUNT_NS = 1_000_000_000
"""How often an account's balances are noted at most."""
_DECIMALS_KEPT = 4_096
_MORE_OPTIONS = frozenset(
    {"trigger_type", "limit_offset", "trailing_offset", "trailing_offset_type", "activation_price"}
)
_NOTHING: dict[str, Any] = {}
_log = logging.getLogger(__name__)

_TRANSITIONS: dict[type, TransitionKind] = {
    nautilus.OrderDenied: TransitionKind.DENIED,
    nautilus.OrderEmulated: TransitionKind.EMULATED,
    nautilus.OrderReleased: TransitionKind.RELEASED,
    nautilus.OrderSubmitted: TransitionKind.SUBMITTED,
    nautilus.OrderAccepted: TransitionKind.ACCEPTED,
    nautilus.OrderRejected: TransitionKind.REJECTED,
    nautilus.OrderPendingUpdate: TransitionKind.PENDING_UPDATE,
    nautilus.OrderPendingCancel: TransitionKind.PENDING_CANCEL,
    nautilus.OrderModifyRejected: TransitionKind.MODIFY_REJECTED,
    nautilus.OrderCancelRejected: TransitionKind.CANCEL_REJECTED,
    nautilus.OrderTriggered: TransitionKind.TRIGGERED,
    nautilus.OrderCanceled: TransitionKind.CANCELED,
    nautilus.OrderExpired: TransitionKind.EXPIRED,
}
_WITH_REASON = frozenset(
    {nautilus.OrderDenied, nautilus.OrderRejected, nautilus.OrderModifyRejected, nautilus.OrderCancelRejected}
)
_ORDER_TYPES = {kind: kind.name for kind in OrderType}
_TIMES_IN_FORCE = {kind: kind.name for kind in TimeInForce}
_SIDES = {OrderSide.BUY: Side.BUY, OrderSide.SELL: Side.SELL}
_LIQUIDITIES = {kind: kind.name for kind in LiquiditySide}


class NautilusBooks:
    """Translates the events of one node and hands them to `record`."""

    def __init__(
        self,
        cache: Cache,
        record: Callable[[BookEvent], None],
        *,
        trader_id: str,
        runs: Mapping[str, str] = MappingProxyType({}),
        adapters: Mapping[str, Adapter] = MappingProxyType({}),
        refusal: Callable[[str], Deny | None] = lambda _: None,
    ) -> None:
        """Prepare; `follow` acts.

        runs: of each simulated venue, such as a paper account or a replay, the run that opened its account. Trade ids
        begin anew in each run, so a fill there is known by its order; so do positions: another run's are other ones.
        adapters: what connects to each venue, by the venue's name.
        refusal: finds the gate's own refusal, with its numbers, by the reason that an event tells.
        """
        self._cache = cache
        self._record = record
        self._trader_id = trader_id
        self._prefix = operation_id(trader_id, "")
        self._runs = runs
        self._adapters = adapters
        self._refusal = refusal
        self._traits: dict[InstrumentId, Traits] = {}
        self._decimals: dict[int, Decimal] = {}
        self._accounts_noted: dict[AccountId, nautilus.AccountState] = {}
        """What was last noted of each account."""
        self._accounts_late: dict[AccountId, nautilus.AccountState] = {}
        """Newer states of accounts, until they are noted."""
        self._accounts_due_ns = 0
        """When the first of these is to be noted."""
        self._managed: dict[ClientOrderId, int] = {}
        """Open orders of algorithms and of the emulator, which change them without telling; events read so far."""
        self._translators: dict[type, Callable[[Any], Sequence[BookEvent]]] = {
            nautilus.OrderInitialized: self._initialized,
            nautilus.OrderUpdated: self._updated,
            nautilus.OrderFilled: self._filled,
            nautilus.PositionOpened: self._position,
            nautilus.PositionChanged: self._position,
            nautilus.PositionClosed: self._position,
            nautilus.AccountState: self._account,
            **dict.fromkeys(_TRANSITIONS, self._moved),
            nautilus.OrderDenied: self._refused,
            nautilus.OrderModifyRejected: self._refused,
        }

    def follow(self, bus: MessageBus) -> None:
        """Record every event on the bus from now on."""
        for topic in TOPICS:
            bus.subscribe(topic, self.on_event, PRIORITY)

    def leave(self, bus: MessageBus) -> None:
        """Stop recording."""
        for topic in TOPICS:
            bus.unsubscribe(topic, self.on_event)
        self._note_late_accounts(None)

    def on_event(self, event: Any) -> None:  # noqa: ANN401 - the bus carries any type
        """Record one event."""
        try:
            translator = self._translators.get(type(event))
            translated = translator(event) if translator else (self._untranslated(event, "unknown type"),)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the event, it is kept
            _log.exception("an event could not be translated for the books: %s", show(event))
            translated = (self._untranslated(event, show(error)),)
        for fact in translated:
            self._record(fact)
        if self._accounts_late and event.ts_init >= self._accounts_due_ns:
            try:
                self._note_late_accounts(event.ts_init)
            except Exception:  # noqa: BLE001 - a balance that cannot be noted is no reason to end
                _log.exception("the states of accounts could not be noted in the books")

    def _initialized(self, event: nautilus.OrderInitialized) -> Sequence[BookEvent]:
        options = event.options
        instrument_id, client_order_id, parent = event.instrument_id, event.client_order_id, event.parent_order_id
        traits = self._traits.get(instrument_id) or self._traits_of(instrument_id)
        betting = traits.kind is InstrumentType.BETTING
        terms, trigger, display = options.get("price"), options.get("trigger_price"), options.get("display_qty")
        price = None if terms is None else Decimal(str(terms))
        emulation, algorithm, spawn = event.emulation_trigger, event.exec_algorithm_id, event.exec_spawn_id
        order_list, contingency = event.order_list_id, event.contingency_type
        if algorithm is not None or emulation != TriggerType.NO_TRIGGER:
            self._managed.setdefault(client_order_id, 0)
        order_id, event_side = client_order_id.value, event.side
        placed = Placed(
            event_id=event.id.value,
            operation_id=self._prefix + order_id,
            ts_event=event.ts_event,
            ts_init=event.ts_init,
            reconciliation=event.reconciliation,
            trader_id=self._trader_id,
            strategy_id=event.strategy_id.value,
            venue=traits.venue,
            instrument_id=traits.canonical,
            venue_symbol=traits.name,
            client_order_id=order_id,
            operation=Operation.BET if betting else Operation.TRADE,
            side=_side(event_side, betting=True) if betting else _SIDES[event_side],
            order_type=_ORDER_TYPES[event.order_type],
            time_in_force=_TIMES_IN_FORCE[event.time_in_force],
            quantity=self._decimals.get(event.quantity.raw) or self._exact(event.quantity),
            price=price,
            trigger_price=None if trigger is None else Decimal(str(trigger)),
            display_quantity=None if display is None else Decimal(str(display)),
            ts_expire=options.get("expire_time_ns") or None,
            post_only=event.post_only,
            reduce_only=event.reduce_only,
            quote_quantity=event.quote_quantity,
            emulation_trigger="" if emulation == TriggerType.NO_TRIGGER else trigger_type_to_str(emulation),
            algorithm="" if algorithm is None else algorithm.value,
            parameters=dict(event.exec_algorithm_params or _NOTHING),
            parent_operation_id="" if parent is None else self._prefix + parent.value,
            spawn_operation_id="" if spawn is None else self._prefix + spawn.value,
            order_list_id="" if order_list is None else order_list.value,
            contingency="" if contingency == ContingencyType.NO_CONTINGENCY else contingency_type_to_str(contingency),
            linked_operation_ids=tuple([self._prefix + linked.value for linked in event.linked_order_ids or ()]),
            tags=tuple(event.tags or ()),
            options={key: str(value) for key, value in options.items() if key in _MORE_OPTIONS and value is not None},
            odds=price if betting else None,
            selection=traits.selection,
        )
        # A child takes its quantity out of the order that it is made for.
        return (placed,) if spawn is None else (*self._quiet_changes(spawn), placed)

    def _moved(self, event: nautilus.OrderEvent) -> Sequence[BookEvent]:
        kind = type(event)
        client_order_id, venue_order_id, account_id = event.client_order_id, event.venue_order_id, event.account_id
        moved = Transition(
            event_id=event.id.value,
            operation_id=self._prefix + client_order_id.value,
            ts_event=event.ts_event,
            ts_init=event.ts_init,
            reconciliation=event.reconciliation,
            kind=_TRANSITIONS[kind],
            reason=event.reason or "" if kind in _WITH_REASON else "",
            venue_order_id="" if venue_order_id is None else venue_order_id.value,
            account_id="" if account_id is None else account_id.value,
        )
        return self._with_untold(event, moved) if self._managed or event.reconciliation else (moved,)

    def _refused(self, event: nautilus.OrderEvent) -> Sequence[BookEvent]:
        """Return a refusal with the numbers that it was decided by, where it was the gate's."""
        deny = self._refusal(event.reason or "")
        told = self._moved(event)
        if deny is None:
            return told
        return [replace(fact, details=deny.details()) if isinstance(fact, Transition) else fact for fact in told]

    def _with_untold(self, event: nautilus.OrderEvent, told: BookEvent) -> Sequence[BookEvent]:
        """Return what is told of an order, behind what it did without telling."""
        if not event.reconciliation and event.client_order_id not in self._managed:
            return (told,)
        return (*self._terms(event), *self._quiet_changes(event.client_order_id), told)

    def _quiet_changes(self, client_order_id: ClientOrderId | None) -> Sequence[BookEvent]:
        """Return the amendments of an order that never were on the bus; those that were are the same events again."""
        read = None if client_order_id is None else self._managed.get(client_order_id)
        order = None if read is None else self._cache.order(client_order_id)
        if order is None or order.event_count == read:
            return []
        if order.is_closed:
            del self._managed[client_order_id]
        else:
            self._managed[client_order_id] = order.event_count
        return [self._amended(event) for event in order.events[read:] if type(event) is nautilus.OrderUpdated]

    def _updated(self, event: nautilus.OrderUpdated) -> Sequence[BookEvent]:
        return [*self._terms(event), self._amended(event)]

    def _amended(self, event: nautilus.OrderUpdated) -> Amended:
        return Amended(
            **self._head(event),
            quantity=self._exact(event.quantity),
            price=None if event.price is None else self._exact(event.price),
            trigger_price=None if event.trigger_price is None else self._exact(event.trigger_price),
            quote_quantity=event.is_quote_quantity,
            venue_order_id=_text(event.venue_order_id),
            account_id=_text(event.account_id),
        )

    def _filled(self, event: nautilus.OrderFilled) -> Sequence[BookEvent]:
        traits = self._traits_of(event.instrument_id)
        venue, order, trade = traits.venue, event.client_order_id.value, event.trade_id.value
        filled = Filled(
            **self._head(event),
            trader_id=self._trader_id,
            strategy_id=event.strategy_id.value,
            venue=venue,
            account_id=event.account_id.value,
            instrument_id=traits.canonical,
            client_order_id=order,
            venue_order_id=_text(event.venue_order_id),
            trade_id=f"{order}:{trade}" if venue in self._runs else trade,
            position_id=self._position_id(event.position_id, venue),
            side=_side(event.order_side, betting=traits.kind is InstrumentType.BETTING),
            quantity=self._exact(event.last_qty),
            price=self._exact(event.last_px),
            commission=event.commission.as_decimal(),
            commission_currency=event.commission.currency.code,
            liquidity=_LIQUIDITIES[event.liquidity_side],
            base_currency=traits.base,
            quote_currency=traits.quote or event.currency.code,
            settlement_currency=traits.settlement or event.currency.code,
            multiplier=traits.multiplier,
            inverse=traits.inverse,
            spot=traits.kind is InstrumentType.SPOT,
        )
        return self._with_untold(event, filled)

    def _terms(self, event: nautilus.OrderEvent) -> Sequence[BookEvent]:
        """Return the placing of an order that came from the venue: Nautilus tells nobody of it."""
        if not event.reconciliation:
            return []
        order = self._cache.order(event.client_order_id)
        return [] if order is None else self._initialized(order.init_event)

    def _position(self, event: nautilus.PositionEvent) -> Sequence[BookEvent]:
        details = {
            "position": self._position_id(event.position_id, event.instrument_id.venue.value),
            "instrument": self._traits_of(event.instrument_id).canonical,
            "strategy": event.strategy_id.value,
            "account": event.account_id.value,
            "side": position_side_to_str(event.side),
            "quantity": str(event.quantity),
            "average_price": str(event.avg_px_open),
            "realized_profit": _text(event.realized_pnl),
        }
        return [self._note(event, type(event).__name__, details)]

    def _account(self, event: nautilus.AccountState) -> Sequence[BookEvent]:
        """Return an account as the venue reported it, once a second: a venue reports it with each order."""
        if not event.is_reported:
            return ()  # Worked out by Nautilus at every order, from what the books have anyway.
        noted = self._accounts_noted.get(event.account_id)
        if noted is not None:
            if event.id == noted.id:
                return ()  # Nautilus tells the last state again whenever an order changes.
            due_ns = noted.ts_init + ACCOUNT_NS
            if event.ts_init < due_ns:
                self._accounts_due_ns = min(due_ns, self._accounts_due_ns) if self._accounts_late else due_ns
                self._accounts_late[event.account_id] = event
                return ()
        self._accounts_noted[event.account_id] = event
        self._accounts_late.pop(event.account_id, None)
        return (self._account_note(event),)

    def _note_late_accounts(self, now_ns: int | None) -> None:
        """Note what accounts came to be, where that is due; all of it if no time is told."""
        for account, event in list(self._accounts_late.items()):
            due_ns = self._accounts_noted[account].ts_init + ACCOUNT_NS
            if now_ns is None or now_ns >= due_ns:
                self._accounts_noted[account] = event
                del self._accounts_late[account]
                self._record(self._account_note(event))
        dues = (self._accounts_noted[account].ts_init + ACCOUNT_NS for account in self._accounts_late)
        self._accounts_due_ns = min(dues, default=0)

    def _account_note(self, event: nautilus.AccountState) -> Noted:
        details = {
            "account": event.account_id.value,
            "balances": [balance.to_dict() for balance in event.balances],
            "margins": [margin.to_dict() for margin in event.margins],
        }
        return self._note(event, "AccountState", details)

    def _untranslated(self, event: Any, why: str) -> Noted:  # noqa: ANN401 - the bus carries any type
        """Return a note of the event as it is, about its order where it has one: then the books count as unwell."""
        order_id = event.client_order_id.value if isinstance(event, nautilus.OrderEvent) else None
        operation = "" if order_id is None else self._prefix + order_id
        return self._note(event, UNTRANSLATED, {"event": show(event), "why": why}, operation)

    @staticmethod
    def _note(event: Any, topic: str, details: dict[str, Any], operation: str = "") -> Noted:  # noqa: ANN401 - of any type
        identity, ts_event, ts_init = event.id.value, event.ts_event, event.ts_init
        return Noted(
            event_id=identity, operation_id=operation, ts_event=ts_event, ts_init=ts_init, topic=topic, details=details
        )

    def _head(self, event: nautilus.OrderEvent) -> dict[str, Any]:
        return {
            "event_id": event.id.value,
            "operation_id": self._prefix + event.client_order_id.value,
            "ts_event": event.ts_event,
            "ts_init": event.ts_init,
            "reconciliation": event.reconciliation,
        }

    def _position_id(self, position_id: Any, venue: str) -> str:  # noqa: ANN401 - an id or None
        run = self._runs.get(venue)
        return _text(position_id) if run is None else f"{_text(position_id)}@{run}"

    def traits(self, instrument_id: InstrumentId) -> Traits:
        """Return what the books keep of an instrument."""
        return self._traits_of(instrument_id)

    def _traits_of(self, instrument_id: InstrumentId) -> Traits:
        known = self._traits.get(instrument_id)
        if known is not None:
            return known
        instrument = self._cache.instrument(instrument_id)
        if instrument is None:
            name, venue = instrument_id.value, instrument_id.venue.value
            return Traits(name, venue, to_canonical(name, adapter=self._adapters.get(venue)))
        adapter = self._adapters.get(instrument_id.venue.value)
        traits = self._traits[instrument_id] = read_traits(instrument, adapter)
        return traits

    def _exact(self, value: Price | Quantity) -> Decimal:
        """Return the decimal of a price or a quantity, which repeat: converting one costs more than finding it."""
        raw = value.raw
        known = self._decimals.get(raw)
        if known is None:
            if len(self._decimals) >= _DECIMALS_KEPT:
                self._decimals.clear()
            known = self._decimals[raw] = value.as_decimal()
        return known


def _side(side: OrderSide, *, betting: bool) -> Side:
    if betting:
        return Side.BACK if side == OrderSide.BUY else Side.LAY
    return _SIDES[side]


def _text(value: object) -> str:
    return "" if value is None else str(value)
