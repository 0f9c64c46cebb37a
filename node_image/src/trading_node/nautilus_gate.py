"""Puts the gate on the one path that every order takes in a Nautilus kernel, live and in a backtest.

Strategies, execution algorithms, the emulator and the RiskEngine all send to the message bus' endpoint
``ExecEngine.execute``. The gate takes its place and forwards what it admits. A refusal is an OrderDenied or an
OrderModifyRejected, as a RiskEngine would give. What happens to orders and accounts is followed from the bus, ahead of
the strategies, so that an order which a strategy sends on a fill is decided with that fill counted.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nautilus_trader.adapters.sandbox.execution import SandboxExecutionClient
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution import messages
from nautilus_trader.live.execution_client import LiveExecutionClient
from nautilus_trader.live.execution_engine import LiveExecutionEngine
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.events import OrderDenied, OrderModifyRejected
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.orders import Order
from nautilus_trader.system.kernel import NautilusKernel

from trading_node.gate import Gate
from trading_node.market_prices import Decimals, MarketPrices
from trading_node.nautilus_account import AccountFollower
from trading_node.nautilus_orders import OrderReader, read_contract
from trading_node.order_lists import ListSweeper
from trading_node.order_params import check_params, is_loan
from trading_node.risk.decision import Deny, Reason
from trading_node.risk.holdings import Market
from trading_node.risk.limits import NANOSECONDS_PER_SECOND
from trading_node.risk.orders import Contract, OrderIntent
from trading_node.signing import guard_client

EXECUTE = "ExecEngine.execute"
PROCESS = "ExecEngine.process"
DENIABLE = frozenset({OrderStatus.INITIALIZED, OrderStatus.RELEASED})
"""The states from which Nautilus lets an order be denied."""
REVALUE_NS = NANOSECONDS_PER_SECOND
"""Age at which prices of instruments that no order came for are read again."""

_log = logging.getLogger(__name__)


class NautilusGate:
    """A gate on a kernel."""

    def __init__(
        self,
        kernel: NautilusKernel,
        gate: Gate,
        *,
        strategy_names: Mapping[str, str] | None = None,
        clock: Callable[[], int] | None = None,
    ) -> None:
        """Prepare; :meth:`install` acts.

        strategy_names: the names that limits call strategies by, keyed by strategy id.
        clock: UTC nanoseconds on the scale of the market data's ``ts_init``. If absent, the kernel's in a backtest, and
        this machine's live: Nautilus' own stands still for as long as the machine's has stepped back.
        """
        self.gate = gate
        self._sends = gate.book.sends
        self._bus = kernel.msgbus
        self._cache = kernel.cache
        self._engine = kernel.exec_engine
        self._forward: Callable[[Any], None] = self._engine.execute
        live = isinstance(self._engine, LiveExecutionEngine)
        self._now: Callable[[], int] = clock or (time.time_ns if live else kernel.clock.timestamp_ns)
        self._decimals = Decimals()
        self._reader = OrderReader(self._decimals, gate.cleanup_tag, strategy_names or {})
        self._prices = MarketPrices(self._cache, gate.book, self._decimals)
        self._markets: dict[InstrumentId, Market] = {}
        self._revalue_at = 0
        self._say_again_at: dict[Reason, int] = {}
        self._denies_list = False
        later = kernel.loop.call_soon if live else None
        self._sweeper = ListSweeper(self._cache, self._bus, self._deny_left_behind, later=later)
        self._account = AccountFollower(
            self._cache, gate.book, self._reader, self._find_market,
            on_denied=self._sweeper.on_denied, now=self._now,
        )  # fmt: skip
        self._handlers: dict[type, Callable[[Any], None]] = {
            messages.SubmitOrder: self._on_submit,
            messages.SubmitOrderList: self._on_submit_list,
            messages.ModifyOrder: self._on_modify,
            messages.CancelOrder: self._on_cancel,
            messages.CancelAllOrders: self._on_cancel,
            messages.BatchCancelOrders: self._on_batch_cancel,
            messages.QueryAccount: self._on_query_account,
        }

    def install(self) -> None:
        """Take the engine's place on the bus. Before anything runs: nothing passes until the gate is reconciled."""
        self._bus.deregister(EXECUTE, self._forward)
        self._bus.register(EXECUTE, self.execute)
        self._account.follow(self._bus)
        self.gate.read_prices = self._read_prices
        self.resync()

    def uninstall(self) -> None:
        """Give the engine its place back."""
        self._bus.deregister(EXECUTE, self.execute)
        self._bus.register(EXECUTE, self._forward)
        self._account.leave(self._bus)

    def resync(self) -> None:
        """Take positions, open orders and balances as the cache has them: at the start and after a reconciliation."""
        self._account.resync()

    def begin(self) -> None:
        """Begin to count the day's profit, which needs no order from now on: whoever reads prices values all.

        For a node that trades, once its positions are known; the clock must go on by itself.
        """
        self._account.begin()
        self.gate.read_prices = self._value
        self._value()

    def guard_clients(self) -> None:
        """Have the venues' clients ask again before they send; once they are built."""
        for client_id in self._engine.registered_clients:
            client = self._engine._clients[client_id]  # noqa: SLF001
            if isinstance(client, LiveExecutionClient) and not isinstance(client, SandboxExecutionClient):
                guard_client(client, self.permits, self._refuse)

    def permits(self, order: Order) -> Deny | None:
        """Say why an order that was admitted must not be sent now, if so, and count that."""
        if self.gate.is_open() and (order.tags is None or not self._reader.is_cleanup(order)):
            return None
        market = self._find_market(order.instrument_id)
        if market is None:
            lost = Deny(Reason.NO_ROUTE, order.instrument_id.value)
            self._refuse(order, lost)
            return lost
        # Until it fills, only the cache knows which position an order was sent for.
        position_id = order.position_id or self._cache.position_id(order.client_order_id)
        return self.gate.permits(self._reader.read(order, market.contract, position_id), self._now())

    def execute(self, command: Any) -> None:  # noqa: ANN401  # commands have no common type with fields
        """Decide about a command; forward it, or refuse it."""
        handler = self._handlers.get(type(command))
        if handler is None:
            self._forward(command)
        else:
            handler(command)

    # Orders

    def _on_submit(self, command: messages.SubmitOrder) -> None:
        now = self._now()
        order = command.order
        unchecked = self._check_params(command, order.instrument_id, command) if command.params else None
        intent = unchecked or self._read(order, command, now)
        refusal = intent if isinstance(intent, Deny) else self.gate.submit(intent, now)
        if refusal is None:
            self._forward(command)
            return
        if isinstance(intent, Deny):
            self._refuse(order, intent)
        self._deny(order, refusal, command)

    def _on_submit_list(self, command: messages.SubmitOrderList) -> None:
        now = self._now()
        orders: Sequence[Order] = command.order_list.orders
        intents = [
            self._check_params(command, order.instrument_id, command) or self._read(order, command, now)
            for order in orders
        ]
        unread = next((intent for intent in intents if isinstance(intent, Deny)), None)
        if unread is not None:
            for order in orders:
                self._refuse(order, unread)
            self._deny_all(orders, [unread] * len(orders), command)
            return
        refusals = self.gate.submit_list([intent for intent in intents if not isinstance(intent, Deny)], now)
        if refusals is None:
            self._forward(command)
            return
        self._deny_all(orders, refusals, command)

    def _on_modify(self, command: messages.ModifyOrder) -> None:
        order = self._cache.order(command.client_order_id)
        if order is None:
            self._forward(command)  # the engine says what is wrong
            return
        now = self._now()
        intent = self._check_params(command, order.instrument_id, None) or self._read(order, None, now)
        if isinstance(intent, Deny):
            refusal: Deny | None = intent
            self._refuse(order, intent, modify=True)
        else:
            refusal = self.gate.modify(self._modified(intent, order, command), now)
        if refusal is None:
            self._forward(command)
            return
        self._say(order, refusal)
        self._bus.send(
            PROCESS,
            OrderModifyRejected(
                trader_id=order.trader_id,
                strategy_id=order.strategy_id,
                instrument_id=order.instrument_id,
                client_order_id=order.client_order_id,
                venue_order_id=order.venue_order_id,
                account_id=order.account_id,
                reason=str(refusal),
                event_id=UUID4(),
                ts_event=now,
                ts_init=now,
            ),
        )

    def _modified(self, intent: OrderIntent, order: Order, command: messages.ModifyOrder) -> OrderIntent:
        decimal = self._decimals.of
        changes: dict[str, Any] = {}
        pending = self.gate.book.pending.get(intent.order_id)
        if pending is not None:  # What it leaves as it is may be about to become what a modify before it asked for.
            changes = {"quantity": max(intent.quantity, pending.remaining), "price": pending.intent.price}
        if command.quantity is not None:
            changes["quantity"] = decimal(command.quantity) - decimal(order.filled_qty)
        if command.price is not None:
            changes["price"] = decimal(command.price)
        if command.trigger_price is not None:
            changes["trigger"] = decimal(command.trigger_price)
        return intent._replace(**changes)

    def _on_query_account(self, command: messages.QueryAccount) -> None:
        if is_loan(command.params):
            _log.error("%s is not sent: borrow and repay at the venue by hand", command)
        else:
            self._forward(command)

    def _on_cancel(self, command: messages.CancelOrder | messages.CancelAllOrders) -> None:
        strategy_id, instrument_id = command.strategy_id.value, command.instrument_id
        market = self._markets.get(instrument_id)
        venue = instrument_id.venue.value if market is None else market.contract.venue
        self._sends.record(self._reader.names.get(strategy_id, strategy_id), venue, self._now())
        self._forward(command)

    def _on_batch_cancel(self, command: messages.BatchCancelOrders) -> None:
        strategy = self._reader.strategy(command.strategy_id.value)
        self.gate.send(strategy, command.instrument_id.venue.value, self._now(), len(command.cancels))
        self._forward(command)

    # Inside

    def _check_params(self, command: Any, instrument_id: InstrumentId, submit: Any) -> Deny | None:  # noqa: ANN401
        if not command.params:
            return None
        market = self._find_market(instrument_id, submit)
        return check_params(command.params, None if market is None else market.contract)

    def _read(self, order: Order, command: Any, now: int) -> OrderIntent | Deny:  # noqa: ANN401  # a submit, or None
        instrument_id = order.instrument_id
        market = self._markets.get(instrument_id) or self._find_market(instrument_id, command)
        if market is None:
            return Deny(Reason.NO_ROUTE, instrument_id.value)
        if now >= self._revalue_at:
            self._revalue_at = now + REVALUE_NS
            self._read_prices()
        elif (quote := self._cache.quote_tick(instrument_id)) is None or quote is not market.source:
            self._prices.refresh(market, instrument_id)
            if self._account.taken_over:
                self._account.value_taken_over()
        intent = self._reader.read(order, market.contract, None if command is None else command.position_id)
        if order.is_quote_quantity and not market.contract.inverse:
            return _in_base_quantity(intent, market)
        return intent

    def _read_prices(self) -> None:
        for instrument_id, market in self._markets.items():
            self._prices.refresh(market, instrument_id)
        if self._account.taken_over:
            self._account.value_taken_over()

    def _value(self) -> None:
        self._read_prices()
        self.gate.book.valuation.refresh(self._now())

    def _find_market(self, instrument_id: InstrumentId, command: Any = None) -> Market | None:  # noqa: ANN401
        known = self._markets.get(instrument_id)
        if known is not None:
            return known
        instrument = self._cache.instrument(instrument_id)
        client = None if command is None else self._engine._find_client_for_command(command)  # noqa: SLF001
        if client is None:
            client = self._engine._routing_map.get(instrument_id.venue) or self._engine._default_client  # noqa: SLF001
        if instrument is None or client is None:
            return None
        market = self.gate.book.market(read_contract(instrument, client, self._cache))
        self._markets[instrument_id] = market
        self._prices.refresh(market, instrument_id)
        return market

    def _refuse(self, order: Order, deny: Deny, *, modify: bool = False) -> None:
        """Count and tell a refusal that is not the gate's own answer."""
        self.gate.remember(deny)
        market = self._find_market(order.instrument_id)
        bare = Contract(order.instrument_id.value, order.instrument_id.venue.value, "", "")
        intent = self._reader.read(order, bare if market is None else market.contract)
        self.gate.refuse(intent, deny, self._now(), modify=modify)

    def _deny_left_behind(self, order: Order, deny: Deny) -> None:
        """Deny an order whose list was denied by somebody else."""
        if not self._denies_list:
            self._refuse(order, deny)
            self._deny(order, deny)

    def _deny_all(self, orders: Sequence[Order], refusals: Sequence[Deny], command: Any) -> None:  # noqa: ANN401
        self._denies_list = True  # each gets its own reason; what the sweeper finds meanwhile is one of them
        try:
            for order, refusal in zip(orders, refusals, strict=True):
                self._deny(order, refusal, command)
        finally:
            self._denies_list = False

    def _deny(self, order: Order, deny: Deny, command: Any = None) -> None:  # noqa: ANN401
        """Deny an order in Nautilus. One that is out already stays as it is: it was sent a second time."""
        self._say(order, deny)
        if order.status not in DENIABLE or order.client_order_id.value in self.gate.book.pending:
            return
        if not self._cache.order_exists(order.client_order_id):
            self._cache.add_order(order, getattr(command, "position_id", None), getattr(command, "client_id", None))
        self._bus.send(
            PROCESS,
            OrderDenied(
                trader_id=order.trader_id,
                strategy_id=order.strategy_id,
                instrument_id=order.instrument_id,
                client_order_id=order.client_order_id,
                reason=str(deny),
                event_id=UUID4(),
                ts_init=self._now(),
            ),
        )

    def _say(self, order: Order, deny: Deny) -> None:
        """Log a refusal, once a second for each reason: a strategy that runs wild must not fill the log as well."""
        self.gate.remember(deny)
        now = time.monotonic_ns()
        if now >= self._say_again_at.get(deny.reason, 0):
            self._say_again_at[deny.reason] = now + NANOSECONDS_PER_SECOND
            count = self.gate.denials[deny.reason]
            _log.warning("%s refused: %s (%d for this reason so far)", order.client_order_id, deny, count)


def _in_base_quantity(intent: OrderIntent, market: Market) -> OrderIntent | Deny:
    """Return an order whose quantity is money with the quantity that the money buys at the market's price."""
    touch = market.ask if intent.buy else market.bid
    price = intent.price or touch or market.mark
    if not price:
        return Deny(Reason.NO_REFERENCE_PRICE, market.contract.instrument_id)
    return intent._replace(quantity=intent.quantity / (price * market.contract.multiplier))
