"""Carries out a stop's policy on a Nautilus kernel: looks, asks the venues, cancels, closes.

What to do is decided by :mod:`trading_node.drain`. Ours are the orders and positions that the cache attributes to a
strategy of this trader, and orders with client order ids of this node's strategies; what was placed outside stays.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

from nautilus_trader.adapters.sandbox.execution import SandboxExecutionClient
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.client import ExecutionClient
from nautilus_trader.execution.messages import CancelOrder, SubmitOrder
from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.events import OrderEvent
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId, PositionId, StrategyId, VenueOrderId
from nautilus_trader.model.orders import Order
from nautilus_trader.system.kernel import NautilusKernel

from trading_node.drain.decisions import Drain
from trading_node.drain.facts import (
    Action,
    AskOrder,
    AskVenue,
    Cancel,
    CancelStray,
    GiveUpOrder,
    HeldPosition,
    Place,
    Policy,
    Reduce,
    Result,
    Seen,
    Terms,
    VenueView,
    WorkingOrder,
)
from trading_node.gate import Gate
from trading_node.nautilus_account import Shares
from trading_node.nautilus_gate import EXECUTE, PROCESS
from trading_node.nautilus_own import named_by_venue
from trading_node.nautilus_reader import VenueReader, VenueSilentError, describe
from trading_node.nautilus_reader_binance import reader_of
from trading_node.nautilus_reconciliation import is_real
from trading_node.nautilus_stop import cancel_command, denied_event, unknown_event
from trading_node.nautilus_terms import read_terms
from trading_node.own_order_ids import OwnOrderIds
from trading_node.reconciliation.facts import VenueOrder

STEP_SECONDS = 0.1
QUESTION_SECONDS = 10.0
"""How long a venue may take to answer."""
AHEAD_OF_STRATEGIES = 80
"""Priority on the bus."""
LOCAL = frozenset({OrderStatus.INITIALIZED, OrderStatus.EMULATED, OrderStatus.RELEASED})
EXTERNAL = StrategyId("EXTERNAL")

_log = logging.getLogger(__name__)


class NautilusDrain:
    """One stop of one kernel, whose strategies and algorithms have stopped already."""

    def __init__(
        self, kernel: NautilusKernel, gate: Gate, policy: Policy, agree: Callable[[], Awaitable[bool]] | None = None
    ) -> None:
        """Prepare; `run` acts.

        agree: asks the venues for what the node does not know of its orders, and takes it over; without it the stop
        does so itself, order by order.
        """
        self._kernel = kernel
        self._cache: Cache = kernel.cache
        self._bus = kernel.msgbus
        self._engine = kernel.exec_engine
        self._gate = gate
        self._drain = Drain(policy)
        self._agree = agree
        self._agreeing = False
        self._strategies = {strategy.id: strategy for strategy in kernel.trader.strategies()}
        self._own_ids = OwnOrderIds(
            kernel.trader_id.get_tag(), [strategy.order_id_tag for strategy in self._strategies.values()]
        )
        self._began = time.monotonic()
        self._began_ns = time.time_ns()
        self._clients: dict[str, ExecutionClient] = {
            client_id.value: client
            for client_id, client in self._engine._clients.items()  # noqa: SLF001  # the engine names its clients only
        }
        self._readers: dict[str, VenueReader] = {}
        self._views: dict[str, VenueView] = {}
        self._listed: dict[str, VenueOrder] = {}
        self._changed: dict[str, float] = {}
        self._missed: dict[str, int] = {}
        self._asking: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._factories: dict[StrategyId, OrderFactory] = {}
        self._shares = Shares()
        self._unsent = {order.client_order_id for order in self._cache.orders() if order.status in LOCAL}

    async def run(self) -> Result:
        """Do what the policy says; return how it ended."""
        self._bus.subscribe("events.order.*", self._on_order_event, AHEAD_OF_STRATEGIES)
        # An engine that met an exception takes no reports any more; the stop needs them.
        self._engine._is_shutting_down = False  # noqa: SLF001
        try:
            while True:
                seen = self._look()
                actions = self._drain.next(seen)
                if actions is None:
                    return self._drain.result(seen)
                for action in actions:
                    self._act(action)
                await asyncio.sleep(STEP_SECONDS)
        finally:
            self._bus.unsubscribe("events.order.*", self._on_order_event)
            for task in self._tasks:
                task.cancel()

    def result(self) -> Result:
        """Return how things stand."""
        return self._drain.result(self._look())

    # What is known

    def _look(self) -> Seen:
        positions = tuple(self._positions())
        return Seen(
            now=self._now(),
            venues=frozenset(self._clients),
            orders=tuple(self._orders()),
            positions=positions,
            terms={position.instrument: terms for position in positions if (terms := self._terms(position))},
            views=dict(self._views),
            changed=dict(self._changed),
            asking=frozenset(self._asking),
        )

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _orders(self) -> Iterator[WorkingOrder]:
        cache = self._cache
        found = {order.client_order_id: order for order in (*cache.orders_open(), *cache.orders_inflight())}
        for order_id in list(self._unsent):
            order = cache.order(order_id)
            if order is None or order.status not in LOCAL:
                self._unsent.discard(order_id)
            else:
                found[order_id] = order
        for order in found.values():
            if self._is_ours(order):
                yield self._working(order)

    def _working(self, order: Order) -> WorkingOrder:
        order_id = order.client_order_id.value
        at_venue = order.venue_order_id is not None or order.is_open
        return WorkingOrder(
            order_id=order_id,
            strategy=order.strategy_id.value,
            instrument=order.instrument_id.value,
            venue=self._venue_of(order),
            buy=order.side == OrderSide.BUY,
            remaining=order.leaves_qty.as_decimal(),
            place=Place.NODE if order.status in LOCAL else Place.VENUE if at_venue else Place.SENT,
            cleanup=self._is_cleanup(order),
            touched=(order.last_event.ts_init - self._began_ns) / 1e9,
            missed=self._missed.get(order_id, 0),
        )

    def _positions(self) -> Iterator[HeldPosition]:
        for position in self._cache.positions_open():
            for strategy_id, share in self._shares.of(position).items():
                if share and strategy_id != EXTERNAL:
                    yield HeldPosition(
                        position_id=position.id.value,
                        strategy=strategy_id.value,
                        instrument=position.instrument_id.value,
                        venue=self._client_name(position.instrument_id),
                        quantity=share,
                    )

    def _terms(self, position: HeldPosition) -> Terms | None:
        instrument = self._cache.instrument(InstrumentId.from_str(position.instrument))
        client = self._clients.get(position.venue)
        if instrument is None or client is None:
            return None
        market = self._gate.book.markets.get(position.instrument)
        return read_terms(instrument, client, self._cache, None if market is None else market.mark)

    def _is_ours(self, order: Order) -> bool:
        if order.strategy_id == EXTERNAL:
            return order.client_order_id.value in self._own_ids
        # A strategy may have claimed an order that was placed outside.
        return not order.init_event.reconciliation or order.client_order_id.value in self._own_ids

    def _is_cleanup(self, order: Order) -> bool:
        return order.tags is not None and self._gate.cleanup_tag in order.tags

    def _venue_of(self, order: Order) -> str:
        client_id = self._cache.client_id(order.client_order_id)
        return client_id.value if client_id is not None else self._client_name(order.instrument_id)

    def _client_name(self, instrument_id: InstrumentId) -> str:
        client = self._engine._routing_map.get(instrument_id.venue) or self._engine._default_client  # noqa: SLF001
        return "" if client is None else client.id.value

    def _on_order_event(self, event: OrderEvent) -> None:
        order = self._cache.order(event.client_order_id)
        if order is not None and self._is_ours(order):
            self._changed[self._venue_of(order)] = self._now()

    # What is done

    def _act(self, action: Action) -> None:
        try:
            match action:
                case Cancel(order_id):
                    self._cancel(self._order(order_id))
                case CancelStray(order_id, venue):
                    self._begin(self._cancel_stray(order_id, venue))
                case AskOrder(order_id):
                    self._begin(self._ask_order(self._order(order_id)))
                case GiveUpOrder(order_id):
                    self._give_up(self._order(order_id))
                case AskVenue(venue):
                    self._asking.add(venue)
                    self._begin(self._ask_venue(venue))
                case Reduce():
                    self._reduce(action)
        except Exception:  # noqa: BLE001  # the others are still to be done, and this one will be tried again
            _log.exception("the stop could not do %s", action)

    def _order(self, order_id: str) -> Order:
        return self._cache.order(ClientOrderId(order_id))

    def _cancel(self, order: Order) -> None:
        if order.status == OrderStatus.EMULATED:
            self._bus.send("OrderEmulator.execute", cancel_command(order, self._cache, self._now_ns()))
        elif order.status in LOCAL:
            self._bus.send(PROCESS, denied_event(order, self._now_ns()))
        else:
            self._changed[self._venue_of(order)] = self._now()
            self._bus.send(EXECUTE, cancel_command(order, self._cache, self._now_ns()))

    def _give_up(self, order: Order) -> None:
        """Note that the venue does not have an order, as it has said more than once."""
        _log.warning("%s is not at %s", order.client_order_id, self._venue_of(order))
        self._bus.send(PROCESS, unknown_event(order, self._now_ns()))

    def _now_ns(self) -> int:
        return int(self._kernel.clock.timestamp_ns())

    def _reduce(self, action: Reduce) -> None:
        position = self._cache.position(PositionId(action.position_id))
        instrument = self._cache.instrument(position.instrument_id)
        order = self._factory(StrategyId(action.strategy)).market(
            instrument_id=position.instrument_id,
            order_side=OrderSide.BUY if action.buy else OrderSide.SELL,
            quantity=instrument.make_qty(action.quantity),
            reduce_only=action.reduce_only,
            tags=[self._gate.cleanup_tag],
        )
        _log.info("closing %s of %s with %s", action.quantity, position.instrument_id, order.client_order_id)
        # The stop has asked the venue itself what it holds, and nothing but this passes the gate any more.
        self._gate.set_reconciled(True)
        self._changed[self._client_name(position.instrument_id)] = self._now()
        self._cache.add_order(order, position.id, None)
        self._bus.publish(f"events.order.{order.strategy_id}", order.init_event)
        self._bus.send(
            EXECUTE,
            SubmitOrder(
                trader_id=order.trader_id,
                strategy_id=order.strategy_id,
                order=order,
                command_id=UUID4(),
                ts_init=self._now_ns(),
                position_id=position.id,
            ),
        )

    def _factory(self, strategy_id: StrategyId) -> OrderFactory:
        strategy = self._strategies.get(strategy_id)
        if strategy is not None:
            return strategy.order_factory
        if strategy_id not in self._factories:  # of a strategy that was taken away: ids as none of them has
            self._factories[strategy_id] = OrderFactory(
                self._kernel.trader_id, strategy_id, self._kernel.clock, self._cache,
                use_uuid_client_order_ids=True, use_hyphens_in_client_order_ids=False,
            )  # fmt: skip
        return self._factories[strategy_id]

    # What is asked

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, VenueSilentError | TimeoutError):
            _log.warning("the venue did not answer: %s", describe(error))
        elif error is not None:
            _log.error("a question of the stop failed", exc_info=error)

    def _reader(self, venue: str) -> VenueReader:
        if venue not in self._readers:
            self._readers[venue] = reader_of(self._clients[venue])
        return self._readers[venue]

    async def _ask_venue(self, venue: str) -> None:
        asked, client = self._now(), self._clients[venue]
        try:
            if isinstance(client, SandboxExecutionClient):
                there = frozenset(order.client_order_id.value for order in client.exchange.get_open_orders())
                self._views[venue] = VenueView(asked=asked, orders=there)
                return
            reader = self._reader(venue)
            async with asyncio.timeout(QUESTION_SECONDS):
                orders, positions = await reader.open_orders(), await reader.positions()
            named = {self._client_order_id(order): order for order in orders}
            self._listed.update(named)
            self._views[venue] = VenueView(
                asked=asked, orders=frozenset(filter(self._names_ours, named)), positions=positions
            )
        finally:
            self._asking.discard(venue)

    def _client_order_id(self, listed: VenueOrder) -> str:
        if listed.client_order_id:
            return listed.client_order_id
        known = named_by_venue(self._cache, listed.instrument_id, listed.venue_order_id)
        return "" if known is None else str(known.value)

    def _names_ours(self, client_order_id: str) -> bool:
        order = self._order(client_order_id) if client_order_id else None
        return client_order_id in self._own_ids if order is None else self._is_ours(order)

    async def _ask_order(self, order: Order) -> None:
        """Ask a venue for one order, and take over what it says; no answer changes nothing."""
        venue, order_id = self._venue_of(order), order.client_order_id.value
        if self._agree is not None and is_real(self._clients[venue]):
            await self._agree_once(self._agree)
            return
        if isinstance(self._clients[venue], SandboxExecutionClient):
            self._missed[order_id] = self._missed.get(order_id, 0) + 1
            return
        reader = self._reader(venue)
        async with asyncio.timeout(QUESTION_SECONDS):
            found = await reader.order(
                order.instrument_id.value,
                order_id,
                str(order.venue_order_id or ""),
                conditional=order.has_trigger_price,
            )
            if found is None:
                self._missed[order_id] = self._missed.get(order_id, 0) + 1
                return
            more = found.filled > order.filled_qty.as_decimal()
            fills = await reader.fills_of(found) if more else []
        self._missed.pop(order_id, None)
        self._engine._reconcile_order_report(found.report, [fill.report for fill in fills])  # noqa: SLF001

    async def _agree_once(self, agree: Callable[[], Awaitable[bool]]) -> None:
        if not self._agreeing:
            self._agreeing = True
            try:
                await agree()
            finally:
                self._agreeing = False

    async def _cancel_stray(self, order_id: str, venue: str) -> None:
        """Cancel what Nautilus' cache has closed, or lacks: its clients would refuse, so the venue is told directly."""
        listed, client = self._listed.get(order_id), self._clients[venue]
        self._changed[venue] = self._now()
        _log.warning("%s is open at %s, and was held for closed", order_id, venue)
        if listed is None:
            return
        instrument_id = InstrumentId.from_str(listed.instrument_id)
        http: Any = getattr(client, "_http_account", None)
        async with asyncio.timeout(QUESTION_SECONDS):
            if http is not None:
                await http.cancel_order(symbol=instrument_id.symbol.value, order_id=int(listed.venue_order_id))
                return
            command = CancelOrder(
                trader_id=self._kernel.trader_id,
                strategy_id=EXTERNAL,
                instrument_id=instrument_id,
                client_order_id=ClientOrderId(order_id),
                venue_order_id=VenueOrderId(listed.venue_order_id),
                command_id=UUID4(),
                ts_init=self._now_ns(),
            )
            await client._cancel_order(command)  # noqa: SLF001  # the step that all adapters have
