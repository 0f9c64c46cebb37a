"""What an order takes from the balance: the venue's word, and what positions and orders leave of the whole."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.gate.orders import HEDGED, INVERSE, SPOT, START, hold, open_gate, order, reason, set_price
from trading_node.gate import Gate
from trading_node.risk.decision import Deny, Reason


def test_balance_covers_margin_and_what_is_in_flight() -> None:
    gate = open_gate(max_balance_use="0.5")
    gate.book.free_balance = lambda account, currency: Decimal(100 if (account, currency) == ("X-1", "USDT") else 0)
    first = order("BUY", "4", "100")
    assert reason(gate, first) is None
    assert gate.submit(order("BUY", "2", "100"), START) == Deny(
        Reason.BALANCE_TOO_SMALL, "USDT", Decimal(50), Decimal(60)
    )
    gate.book.acknowledge(first.order_id, START)
    assert reason(gate, order("BUY", "2", "100")) is None


def test_a_cash_account_pays_buys_in_full_and_delivers_sales() -> None:
    gate = open_gate(max_balance_use="1")
    set_price(gate, SPOT, "100", "100")
    balances = {"USDT": Decimal(100), "BTC": Decimal(2)}
    gate.book.free_balance = lambda _, currency: balances[currency]
    assert reason(gate, order("BUY", "1.1", contract=SPOT)) == "BalanceTooSmall"
    assert reason(gate, order("BUY", "1", contract=SPOT)) is None
    assert reason(gate, order("SELL", "2.1", contract=SPOT)) == "BalanceTooSmall"
    assert reason(gate, order("SELL", "2", contract=SPOT)) is None


def naive_gate(wallet: str, use: str = "1") -> Gate:
    """A gate whose venue says that the whole wallet is free, as the stream of Binance's futures does after a fill."""
    gate = open_gate(max_balance_use=use, self_crossing="Allow")
    gate.book.free_balance = gate.book.total_balance = lambda _account, _currency: Decimal(wallet)
    return gate


def test_what_positions_and_resting_orders_take_is_not_free_whatever_the_venue_says() -> None:
    gate = naive_gate("100", use="0.5")
    hold(gate, "4")  # at 100 with a margin of a tenth: 40
    assert gate.submit(order("BUY", "4", "100"), START) == Deny(
        Reason.BALANCE_TOO_SMALL, "USDT", Decimal(30), Decimal(40)
    )
    resting = order("BUY", "2", "100")
    assert reason(gate, resting) is None
    gate.book.acknowledge(resting.order_id, START)
    assert gate.submit(order("BUY", "2.1", "100"), START) == Deny(
        Reason.BALANCE_TOO_SMALL, "USDT", Decimal(20), Decimal(21)
    )
    set_price(gate, order("BUY", "1").contract, "149", "151")
    assert gate.submit(order("BUY", "1", "150"), START) == Deny(
        Reason.BALANCE_TOO_SMALL, "USDT", Decimal(5), Decimal(15)
    )
    gate.book.finish(resting.order_id)
    hold(gate, "0")
    assert reason(gate, order("BUY", "3.3", "150")) is None


def test_the_venues_word_holds_where_it_is_lower() -> None:
    gate = naive_gate("100")
    gate.book.free_balance = lambda _account, _currency: Decimal(10)
    assert reason(gate, order("BUY", "1.1", "100")) == "BalanceTooSmall"
    assert reason(gate, order("BUY", "1", "100")) is None


def test_orders_that_only_reduce_or_are_on_the_other_side_take_no_margin() -> None:
    gate = naive_gate("100")
    hold(gate, "5")
    for each in (order("SELL", "5", "120"), order("SELL", "5", "110", reduce_only=True)):
        assert reason(gate, each) is None
        gate.book.acknowledge(each.order_id, START)
    assert reason(gate, order("BUY", "5", "100")) is None


def test_margin_is_counted_by_account_and_currency_and_not_where_coins_are_paid_for() -> None:
    gate = naive_gate("100")
    for contract in (SPOT, HEDGED, INVERSE):
        set_price(gate, contract, "100", "100")
    hold(gate, "50", contract=SPOT)
    hold(gate, "50", contract=INVERSE)
    assert reason(gate, order("BUY", "10", "100")) is None
    hold(gate, "0.5", contract=HEDGED, position_id="P-1")
    hold(gate, "-0.4", contract=HEDGED, position_id="P-2")  # kept apart: both take margin, here all of it
    assert gate.submit(order("BUY", "0.11", "100", contract=HEDGED, position_id="P-1"), START) == Deny(
        Reason.BALANCE_TOO_SMALL, "USDT", Decimal(10), Decimal(11)
    )


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["a", "b"]), st.integers(-5, 5), st.sampled_from([50, 100, 200])), max_size=12
    )
)
@examples(20)
def test_the_sum_that_is_kept_is_the_sum(steps: list[tuple[str, int, int]]) -> None:
    gate = naive_gate("1000000")
    held = {"a": 0, "b": 0}
    for strategy, quantity, price in steps:
        market = set_price(gate, order("BUY", "1").contract, str(price), str(price))
        hold(gate, str(quantity), strategy)
        held[strategy] = quantity
        gate.book.valuation.refresh(START)
        assert market.margins is not None
        assert market.margins.used() == abs(sum(held.values())) * price / Decimal(10)
