"""Random histories of orders, fills, modifies and halts, against an oracle that is slow and obvious.

The oracle keeps a flat list of everything that was sent and recomputes all sums from it for each order.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.examples import examples
from tests.unit.gate.orders import PERPETUAL, SECOND, SPOT, START, set_price
from trading_api.risk import InstrumentRisk, RiskLimits, StrategyRisk
from trading_node.gate import Gate
from trading_node.risk.decision import Reason
from trading_node.risk.limits import compile_limits
from trading_node.risk.orders import OrderIntent
from trading_node.risk.standing import Admission

CONTRACTS = {contract.instrument_id: contract for contract in (PERPETUAL, SPOT)}
STRATEGIES = ("a", "b")
PRICE = Decimal(100)
QUANTITIES = st.sampled_from([Decimal(n) / 2 for n in range(1, 9)])
PRICES = st.sampled_from([None, Decimal(98), Decimal(99), Decimal(101), Decimal(102)])
KINDS = st.sampled_from([(False, False)] * 4 + [(True, False), (False, True)])
"""Reduce-only, cleanup."""
ORDERS = st.builds(
    lambda strategy, contract, buy, quantity, price, kind: OrderIntent(
        "",
        strategy,
        contract,
        buy,
        quantity,
        "LIMIT" if price else "MARKET",
        price,
        reduce_only=kind[0],
        cleanup=kind[1],
    ),
    st.sampled_from(STRATEGIES),
    st.sampled_from(list(CONTRACTS.values())),
    st.booleans(),
    QUANTITIES,
    PRICES,
    KINDS,
)


@dataclass
class Sent:
    """An order as the oracle remembers it."""

    order: OrderIntent
    left: Decimal
    open: bool = True
    accepted: bool = False
    """The venue has it."""


@dataclass
class Oracle:
    """Everything that ever happened."""

    sent: list[Sent] = field(default_factory=list)
    fills: list[tuple[str, str, Decimal]] = field(default_factory=list)
    times: list[int] = field(default_factory=list)

    def position(self, instrument: str, strategy: str | None = None) -> Decimal:
        return sum(
            (signed for who, what, signed in self.fills if what == instrument and strategy in (None, who)), Decimal(0)
        )

    def pending(self, instrument: str, *, buy: bool, strategy: str | None = None, opening: bool = False) -> Decimal:
        return sum(
            (
                each.left
                for each in self.sent
                if each.open
                and each.order.contract.instrument_id == instrument
                and each.order.buy is buy
                and strategy in (None, each.order.strategy)
                and not (opening and each.order.reduce_only)
            ),
            Decimal(0),
        )

    def is_reducing(self, order: OrderIntent, *, resting: bool = False) -> bool:
        instrument = order.contract.instrument_id
        scopes = (order.strategy,) if order.cleanup else (order.strategy, None)
        sign = -1 if order.buy else 1
        kept = order.reduce_only and not order.cleanup and not order.contract.spot
        if kept and resting:
            return sign * self.position(instrument, order.strategy) > 0
        alone = all(sign * self.position(instrument, each) <= 0 for each in STRATEGIES if each != order.strategy)
        free = kept and alone and not self.pending(instrument, buy=order.buy, opening=True)
        return all(
            sign * self.position(instrument, scope)
            - (0 if free else self.pending(instrument, buy=order.buy, strategy=scope))
            >= order.quantity
            for scope in scopes
        )

    def worst(self, instrument: str, strategy: str | None, extra: OrderIntent | None) -> tuple[Decimal, Decimal]:
        """The position if all that buys fills, and if all that sells does; reduce-only orders fill first."""
        ends = []
        for buy in (True, False):
            pending = self.pending(instrument, buy=buy, strategy=strategy)
            opening = self.pending(instrument, buy=buy, strategy=strategy, opening=True)
            reducing = pending - opening
            if extra is not None and extra.contract.instrument_id == instrument and extra.buy is buy:
                opening += 0 if extra.reduce_only else extra.quantity
                reducing += extra.quantity if extra.reduce_only else 0
            held = self.position(instrument, strategy) * (-1 if buy else 1)
            left = held - min(reducing, max(held, Decimal(0)))
            ends.append((opening - left) * (1 if buy else -1))
        return ends[0], ends[1]

    def gross(self, strategy: str | None, extra: OrderIntent | None = None) -> Decimal:
        return sum((max(abs(most), abs(least)) * PRICE for most, least in self.each_worst(strategy, extra)), Decimal(0))

    def net(self, *, buy: bool, extra: OrderIntent | None = None) -> Decimal:
        return sum((most if buy else -least for most, least in self.each_worst(None, extra)), Decimal(0)) * PRICE

    def each_worst(self, strategy: str | None, extra: OrderIntent | None) -> list[tuple[Decimal, Decimal]]:
        return [
            self.worst(instrument, each, extra if extra is not None and extra.strategy == each else None)
            for instrument in CONTRACTS
            for each in STRATEGIES
            if strategy in (None, each)
        ]

    def refusals(
        self, order: OrderIntent, risk: RiskLimits, admission: Admission, now: int, *, resting: bool = False
    ) -> set[Reason]:
        """All reasons there are against an order."""
        reducing = self.is_reducing(order, resting=resting)
        if order.cleanup:
            return set() if reducing else {Reason.REDUCE_ONLY}
        if admission is Admission.HALT:
            return {Reason.HALTED}
        if admission is Admission.REDUCE and not reducing:
            return {Reason.REDUCE_ONLY}
        found = set()
        if sum(1 for time in self.times if time > now - SECOND) >= (risk.max_orders_per_second or 0):
            found.add(Reason.ORDERS_PER_SECOND)
        if any(self._crosses(order, each) for each in self.sent):
            found.add(Reason.SELF_CROSSING)
        return found if reducing else found | self._excesses(order, risk)

    def _excesses(self, order: OrderIntent, risk: RiskLimits) -> set[Reason]:
        found = set()
        most, least = self.worst(order.contract.instrument_id, None, order)
        if (most if order.buy else -least) > Decimal(risk.instruments[0].max_position or 0):
            found.add(Reason.POSITION_TOO_LARGE)
        for scope, limit in ((None, risk.max_gross_notional), ("a", risk.strategies[0].max_gross_notional)):
            with_order = self.gross(scope, order)
            if scope in (None, order.strategy) and with_order > Decimal(limit or 0) and with_order > self.gross(scope):
                found.add(Reason.GROSS_NOTIONAL_TOO_LARGE)
        net = self.net(buy=order.buy, extra=order)
        if net > Decimal(risk.max_net_notional or 0) and net != self.net(buy=order.buy):
            found.add(Reason.NET_NOTIONAL_TOO_LARGE)
        return found

    def _crosses(self, order: OrderIntent, other: Sent) -> bool:
        resting = other.order
        if not other.open or resting.price is None or resting.buy is order.buy:
            return False
        if resting.contract is not order.contract:
            return False
        if order.price is None:  # the market is at 100
            return resting.price >= PRICE if resting.buy else resting.price <= PRICE
        return order.price >= resting.price if order.buy else order.price <= resting.price


def risk_limits(position: int, gross: int, net: int, of_strategy: int) -> RiskLimits:
    return RiskLimits(
        max_orders_per_second=5,
        max_gross_notional=str(gross),
        max_net_notional=str(net),
        strategies=(StrategyRisk(name="a", max_gross_notional=str(of_strategy)),),
        instruments=tuple(InstrumentRisk(id=each, max_position=str(position)) for each in CONTRACTS),
    )


class Histories(RuleBasedStateMachine):
    """Whatever happens, the gate says what the oracle says, and no limit is exceeded by fills."""

    @initialize(
        position=st.integers(1, 6), gross=st.integers(1, 12), net=st.integers(1, 8), of_strategy=st.integers(1, 8)
    )
    def begin(self, position: int, gross: int, net: int, of_strategy: int) -> None:
        self.risk = risk_limits(position, gross * 100, net * 100, of_strategy * 100)
        self.gate = Gate(compile_limits(self.risk))
        self.gate.set_reconciled(True)
        self.oracle = Oracle()
        self.admission = Admission.ACTIVE
        self.now = START
        self.count = 0
        for contract in CONTRACTS.values():
            set_price(self.gate, contract, str(PRICE), str(PRICE))

    def _open(self) -> list[Sent]:
        return [each for each in self.oracle.sent if each.open]

    @rule(drawn=ORDERS, wait=st.sampled_from([0, SECOND // 3, 2 * SECOND]))
    def submit(self, drawn: OrderIntent, wait: int) -> None:
        self.now += wait
        self.count += 1
        order, quantity = drawn._replace(order_id=f"O-{self.count}"), drawn.quantity
        expected = self.oracle.refusals(order, self.risk, self.admission, self.now)
        refusal = self.gate.submit(order, self.now)
        if refusal is None:
            assert not expected, f"{order} passed, against {expected}"
            self.oracle.sent.append(Sent(order, quantity))
            self.oracle.times.append(self.now)
        else:
            assert refusal.reason in expected, f"{order} was refused for {refusal}, expected {expected}"

    @rule(pick=st.integers(0, 99), part=st.sampled_from([Decimal("0.5"), Decimal(1), Decimal(4)]))
    def fill(self, pick: int, part: Decimal) -> None:
        """Fill a part; the venue fills a reduce-only order no further than its own net position goes."""
        live = self._open()
        if not live:
            return
        sent = live[pick % len(live)]
        order, instrument = sent.order, sent.order.contract.instrument_id
        quantity = min(part, sent.left)
        if order.reduce_only:
            net = self.oracle.position(instrument)
            quantity = min(quantity, max(Decimal(0), -net if order.buy else net))
        if not quantity:
            return
        sent.left -= quantity
        sent.accepted = True
        sent.open = sent.left > 0
        self.oracle.fills.append((order.strategy, instrument, quantity if order.buy else -quantity))
        book = self.gate.book
        book.acknowledge(order.order_id, self.now)
        book.fill(order.order_id, quantity, self.now)
        if not sent.open:
            book.finish(order.order_id)
        holding = book.holding(order)
        book.set_position(holding, "", self.oracle.position(instrument, order.strategy))

    @rule(pick=st.integers(0, 99))
    def accept(self, pick: int) -> None:
        live = self._open()
        if live:
            live[pick % len(live)].accepted = True
            self.gate.book.acknowledge(live[pick % len(live)].order.order_id, self.now)

    @rule(pick=st.integers(0, 99))
    def cancel(self, pick: int) -> None:
        live = self._open()
        if live:
            sent = live[pick % len(live)]
            self.gate.send(sent.order.strategy, "X", self.now)
            self.oracle.times.append(self.now)
            sent.open = False
            self.gate.book.finish(sent.order.order_id)

    @rule(pick=st.integers(0, 99), quantity=QUANTITIES)
    def modify(self, pick: int, quantity: Decimal) -> None:
        live = self._open()
        if not live:
            return
        sent = live[pick % len(live)]
        changed = sent.order._replace(quantity=quantity)
        sent.open = False
        resting = sent.accepted and quantity <= sent.left
        expected = self.oracle.refusals(changed, self.risk, self.admission, self.now, resting=resting)
        sent.open = True
        refusal = self.gate.modify(changed, self.now)
        if refusal is None:
            assert not expected
            self.oracle.times.append(self.now)
            sent.left = quantity
            self.gate.book.answer_amend(changed.order_id, quantity, changed.price)
        else:
            assert refusal.reason in expected

    @rule(admission=st.sampled_from(list(Admission)))
    def restrict(self, admission: Admission) -> None:
        self.admission = admission
        self.gate.set_admission(admission)

    @rule(position=st.integers(1, 6), gross=st.integers(1, 12), net=st.integers(1, 8))
    def change_limits(self, position: int, gross: int, net: int) -> None:
        """Larger limits only: what is out already may exceed smaller ones."""
        now = self.risk
        largest = max(position, int(now.instruments[0].max_position or 0))
        self.risk = risk_limits(
            largest,
            max(gross * 100, int(now.max_gross_notional or 0)),
            max(net * 100, int(now.max_net_notional or 0)),
            int(now.strategies[0].max_gross_notional or 0),
        )
        self.gate.set_limits(compile_limits(self.risk))

    @invariant()
    def positions_stay_within_their_limit(self) -> None:
        if hasattr(self, "risk"):
            for instrument in CONTRACTS:
                limit = Decimal(self.risk.instruments[0].max_position or 0)
                assert abs(self.oracle.position(instrument)) <= limit

    @invariant()
    def the_book_holds_what_was_sent(self) -> None:
        if hasattr(self, "gate"):
            left = {order_id: pending.remaining for order_id, pending in self.gate.book.pending.items()}
            assert left == {each.order.order_id: each.left for each in self._open()}


Histories.TestCase.settings = examples(10, stateful_step_count=30, suppress_health_check=[HealthCheck.too_slow])
TestHistories = Histories.TestCase
