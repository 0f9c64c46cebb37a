"""While trading is restricted, whatever strategies send, the account's position only becomes smaller and never turns.

The venue of these histories keeps reduce-only as exchanges do: it looks at the account's position when an order fills.
"""

from decimal import Decimal
from itertools import product

import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.examples import examples
from tests.unit.gate.orders import SECOND, SPOT, START, hold, open_gate, order, reason, set_price
from trading_api.risk import RiskLimits
from trading_node.gate import Gate
from trading_node.risk.decision import Deny, Reason
from trading_node.risk.limits import compile_limits
from trading_node.risk.orders import OrderIntent
from trading_node.risk.standing import Admission

STRATEGIES = ("a", "b")
QUANTITIES = st.sampled_from([Decimal(1), Decimal(2)])
RESTRICTIONS = ("reduce", "loss", "age", "books")
PICKS = st.integers(0, 99)


def restrict(gate: Gate, restriction: str) -> int:
    """Bring about that only reducing orders are taken, and return what time it is then."""
    if restriction == "reduce":
        gate.set_admission(Admission.REDUCE)
    elif restriction == "loss":
        gate.book.valuation.refresh(START)
        gate.book.pay(gate.book.holding(order("BUY", "1", strategy="a")), Decimal(-1000))
    elif restriction == "books":
        gate._recorded = lambda: False
    return START + 6 * SECOND if restriction == "age" else START


class Restricted(RuleBasedStateMachine):
    """Two strategies with positions and reduce-only orders from before the restriction, and then whatever they try."""

    @initialize(
        positions=st.tuples(st.integers(-3, 3), st.integers(-3, 3)),
        former=st.lists(st.tuples(st.sampled_from(STRATEGIES), st.booleans(), QUANTITIES), max_size=4),
        restriction=st.sampled_from(RESTRICTIONS),
    )
    def begin(self, positions: tuple[int, int], former: list[tuple[str, bool, Decimal]], restriction: str) -> None:
        self.gate = open_gate(max_reference_age_seconds=5, max_daily_loss="1", self_crossing="Allow")
        self.now = START
        self.count = 0
        self.left: dict[str, tuple[OrderIntent, Decimal]] = {}
        self.held = dict.fromkeys(STRATEGIES, Decimal(0))
        for strategy, position in zip(STRATEGIES, positions, strict=True):
            self._hold(strategy, Decimal(position))
        for strategy, buy, quantity in former:
            self.submit(strategy, buy=buy, quantity=quantity, reduce_only=True)
        self.now = restrict(self.gate, restriction)

    def _hold(self, strategy: str, position: Decimal) -> None:
        self.held[strategy] = position
        hold(self.gate, str(position), strategy)

    @property
    def net(self) -> Decimal:
        return sum(self.held.values(), Decimal(0))

    @rule(strategy=st.sampled_from(STRATEGIES), buy=st.booleans(), quantity=QUANTITIES, reduce_only=st.booleans())
    def submit(self, strategy: str, *, buy: bool, quantity: Decimal, reduce_only: bool) -> None:
        self.count += 1
        new = order(
            "BUY" if buy else "SELL", quantity, order_id=f"R-{self.count}", strategy=strategy, reduce_only=reduce_only
        )
        if self.gate.submit(new, self.now) is None:
            self.left[new.order_id] = new, quantity

    @rule(pick=PICKS, quantity=QUANTITIES)
    def modify(self, pick: int, quantity: Decimal) -> None:
        if self.left:
            old, _ = list(self.left.values())[pick % len(self.left)]
            if self.gate.modify(old._replace(quantity=quantity), self.now) is None:
                self.gate.book.answer_amend(old.order_id, quantity, None)
                self.left[old.order_id] = old, quantity

    @rule(pick=PICKS)
    def accept(self, pick: int) -> None:
        if self.left:
            self.gate.book.acknowledge(list(self.left)[pick % len(self.left)], self.now)

    @rule(pick=PICKS, part=QUANTITIES)
    def fill(self, pick: int, part: Decimal) -> None:
        if not self.left:
            return
        one, left = list(self.left.values())[pick % len(self.left)]
        net, sign = self.net, 1 if one.buy else -1
        quantity = min(part, left)
        if one.reduce_only:
            quantity = min(quantity, max(Decimal(0), -sign * net))
        if quantity:
            self.gate.book.fill(one.order_id, quantity, self.now)
            self._hold(one.strategy, self.held[one.strategy] + sign * quantity)
            self.left[one.order_id] = one, left - quantity
            after = self.net
            assert min(net, Decimal(0)) <= after <= max(net, Decimal(0)), (
                f"{one} took the account from {net} to {after}"
            )
        if quantity == left:
            self.cancel(pick)

    @rule(pick=PICKS)
    def cancel(self, pick: int) -> None:
        if self.left:
            order_id = list(self.left)[pick % len(self.left)]
            del self.left[order_id]
            self.gate.book.finish(order_id)

    @invariant()
    def who_holds_alone_can_protect_all_of_it(self) -> None:
        """As long as nothing that opens is pending there, and whatever protects it already."""
        if not hasattr(self, "held"):
            return
        for strategy, other in (("a", "b"), ("b", "a")):
            position = self.held[strategy]
            opening = [one for one, _ in self.left.values() if not one.reduce_only]
            if position and not self.held[other] and not opening:
                stop = order(
                    "BUY" if position < 0 else "SELL", abs(position), strategy=strategy, kind="STOP_MARKET",
                    trigger=Decimal(80), active=False, reduce_only=True,
                )  # fmt: skip
                assert self.gate.submit(stop, self.now) is None
                self.gate.book.withdraw(stop.order_id)


Restricted.TestCase.settings = examples(20, stateful_step_count=30, suppress_health_check=[HealthCheck.too_slow])
TestRestricted = Restricted.TestCase


@pytest.mark.parametrize("positions", [(1, 0), (2, 0), (3, 0), (1, 1), (2, 1), (3, -1)])
def test_no_few_orders_in_any_order_turn_the_account(positions: tuple[int, int]) -> None:
    """All sequences of four orders of one coin; the worst is that reduce-only ones fill before the others."""
    kinds = [(strategy, reduce_only) for strategy in STRATEGIES for reduce_only in (False, True)]
    for sent in product(kinds, repeat=4):
        gate = open_gate()
        for strategy, position in zip(STRATEGIES, positions, strict=True):
            hold(gate, str(position), strategy)
        gate.set_admission(Admission.REDUCE)
        passed = [
            reduce_only
            for strategy, reduce_only in sent
            if reason(gate, order("SELL", "1", strategy=strategy, reduce_only=reduce_only)) is None
        ]
        left = max(sum(positions) - sum(passed), 0)
        assert left >= len(passed) - sum(passed), f"{sent} of {positions}: {passed}"


@pytest.mark.parametrize("restriction", RESTRICTIONS)
def test_protection_can_be_sent_and_moved_while_only_reducing_is_taken(restriction: str) -> None:
    limits = {"max_reference_age_seconds": 5, "max_daily_loss": "1"}
    gate = open_gate(**limits)
    hold(gate, "1")
    profit = order("SELL", "1", "119", reduce_only=True)
    stop = order("SELL", "1", kind="STOP_MARKET", trigger=Decimal(80), active=False, reduce_only=True)
    for each in (profit, stop):
        assert reason(gate, each) is None
        gate.book.acknowledge(each.order_id, START)
    gate.set_limits(compile_limits(RiskLimits(max_order_notional="1", **limits)))
    now = restrict(gate, restriction)
    assert reason(gate, order("SELL", "0.1", strategy="other"), now) is not None
    assert gate.modify(stop._replace(trigger=Decimal(82)), now) is None
    assert gate.permits(stop, START) is None
    assert gate.modify(profit._replace(price=Decimal(110)), now) is None
    gate.book.finish(stop.order_id)
    again = stop._replace(order_id="again")
    assert reason(gate, again, now) is None
    assert gate.permits(again, START) is None


def test_beside_a_share_of_another_only_what_rests_may_be_moved() -> None:
    """The venue would let two orders for one share go on with what the other strategy holds."""
    gate = open_gate()
    hold(gate, "1")
    hold(gate, "2", strategy="other")
    profit, stop = (order("SELL", "1", price, reduce_only=True) for price in ("130", "140"))
    for each in (profit, stop):
        assert reason(gate, each) is None
        gate.book.acknowledge(each.order_id, START)
    gate.set_admission(Admission.REDUCE)
    assert gate.modify(stop._replace(price=Decimal(120)), START) is None
    assert gate.permits(stop, START) is None
    gate.book.answer_amend(stop.order_id, Decimal(1), Decimal(120))
    assert gate.modify(stop._replace(quantity=Decimal("1.5")), START) == Deny(Reason.REDUCE_ONLY, "X")
    assert reason(gate, order("SELL", "0.1", reduce_only=True)) == "ReduceOnly"
    gate.book.finish(profit.order_id)
    gate.book.finish(stop.order_id)
    assert reason(gate, order("SELL", "1", "130", reduce_only=True)) is None


def test_reduce_only_orders_of_a_size_that_opens_beside_an_opening_one_are_no_protection() -> None:
    """The one that fills first leaves the other nothing to reduce, and only one of them is kept from opening."""
    gate = open_gate()
    hold(gate, "1")
    gate.set_admission(Admission.REDUCE)
    assert reason(gate, order("SELL", "1", "130")) is None
    assert reason(gate, order("SELL", "1", reduce_only=True)) == "ReduceOnly"
    assert reason(gate, order("SELL", "1.5", reduce_only=True)) == "ReduceOnly"


def test_beside_one_that_opens_reduce_only_orders_share_the_position() -> None:
    """Two of them would fill for all that is held, and the opening one after them."""
    gate = open_gate()
    hold(gate, "2")
    gate.set_admission(Admission.REDUCE)
    assert reason(gate, order("SELL", "1", "130")) is None
    assert reason(gate, order("SELL", "1", "120", reduce_only=True)) is None
    assert reason(gate, order("SELL", "1", "110", reduce_only=True)) == "ReduceOnly"
    other = open_gate()
    hold(other, "1")
    assert reason(other, order("SELL", "1", "130", strategy="other")) is None
    other.set_admission(Admission.REDUCE)
    assert reason(other, order("SELL", "1", "120", reduce_only=True)) == "ReduceOnly"


def test_what_a_cash_account_holds_beside_the_position_is_not_sold_as_reduce_only() -> None:
    gate = open_gate(self_crossing="Allow")
    set_price(gate, SPOT, "99", "101")
    hold(gate, "1", contract=SPOT)
    assert reason(gate, order("SELL", "1", "130", contract=SPOT, reduce_only=True)) is None
    gate.set_admission(Admission.REDUCE)
    assert reason(gate, order("SELL", "1", "140", contract=SPOT, reduce_only=True)) == "ReduceOnly"
