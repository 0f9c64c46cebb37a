"""How far a price may be from the market's, of orders that trade at once and of those that wait for a trigger."""

from decimal import Decimal

import pytest

from tests.unit.gate.orders import PERPETUAL, SECOND, SPOT, START, hold, open_gate, order, reason, set_price
from trading_node.risk.decision import Deny, Reason


@pytest.mark.parametrize(
    ("side", "price", "expected"),
    [
        ("BUY", "103.02", None),
        ("BUY", "103.03", "PriceOffMarket"),
        ("BUY", "1", None),
        ("SELL", "97.02", None),
        ("SELL", "97.01", "PriceOffMarket"),
        ("SELL", "1000", None),
    ],
)
def test_price_tolerance(side: str, price: str, expected: str | None) -> None:
    assert reason(open_gate(price_tolerance="0.02"), order(side, "1", price)) == expected


@pytest.mark.parametrize(
    ("side", "kind", "trigger", "price", "expected"),
    [
        ("SELL", "STOP_LIMIT", "94", "92.12", None),  # a stop-loss far below the market, 2 % below its trigger
        ("SELL", "STOP_LIMIT", "94", "92.11", "PriceOffMarket"),
        ("BUY", "STOP_LIMIT", "110", "112.2", None),  # a breakout
        ("BUY", "STOP_LIMIT", "110", "112.21", "PriceOffMarket"),
        ("SELL", "LIMIT_IF_TOUCHED", "120", "117.6", None),
        ("SELL", "LIMIT_IF_TOUCHED", "120", "117.59", "PriceOffMarket"),
        ("BUY", "LIMIT_IF_TOUCHED", "80", "81.6", None),
        ("BUY", "LIMIT_IF_TOUCHED", "80", "81.61", "PriceOffMarket"),
        # The market has passed these triggers: they trade at once.
        ("BUY", "LIMIT_IF_TOUCHED", "200", "201", "PriceOffMarket"),
        ("SELL", "LIMIT_IF_TOUCHED", "50", "49", "PriceOffMarket"),
        ("BUY", "STOP_LIMIT", "90", "103.02", None),
        ("SELL", "STOP_LIMIT", "110", "97.01", "PriceOffMarket"),
    ],
)
def test_a_conditional_order_is_compared_with_the_market_at_its_trigger(
    side: str, kind: str, trigger: str, price: str, expected: str | None
) -> None:
    for held in ("0", "1", "-1"):
        gate = open_gate(price_tolerance="0.02")
        hold(gate, held)
        conditional = order(side, "1", price, kind=kind, trigger=Decimal(trigger), active=False)
        assert reason(gate, conditional) == expected


def test_once_it_has_triggered_an_order_is_compared_with_the_market_of_then() -> None:
    gate = open_gate(price_tolerance="0.02")
    hold(gate, "1")
    stop = order("SELL", "1", "92.5", kind="STOP_LIMIT", trigger=Decimal(94), active=False)
    assert reason(gate, stop) is None
    set_price(gate, PERPETUAL, "93", "95")
    gate.book.trigger(stop.order_id)
    rests = stop._replace(active=True)
    assert reason(gate, order("BUY", "1", "92.5")) == "SelfCrossing"
    set_price(gate, PERPETUAL, "90", "92")  # it fell through
    assert gate.modify(rests._replace(price=Decimal("88.2")), START) is None
    assert gate.modify(rests._replace(price=Decimal("88.1")), START) == Deny(
        Reason.PRICE_OFF_MARKET, "BTC-PERP.X", Decimal("0.02"), Decimal("0.021111")
    )


def test_price_tolerance_needs_a_price_to_compare_with_unless_the_order_reduces() -> None:
    gate = open_gate(price_tolerance="0.02")
    assert reason(gate, order("BUY", "1", "100", contract=SPOT)) == "NoReferencePrice"
    hold(gate, "1")
    gate.book.market(PERPETUAL).bid = gate.book.market(PERPETUAL).mark = None
    assert reason(gate, order("SELL", "1", "1")) is None


def test_a_tolerance_compares_with_a_fresh_price_only() -> None:
    gate = open_gate(price_tolerance="0.02")
    hold(gate, "1")
    at = START + 60 * SECOND
    assert reason(gate, order("BUY", "1", "100"), at) is None
    assert gate.submit(order("BUY", "1", "100"), at + 1) == Deny(
        Reason.STALE_REFERENCE_PRICE, "BTC-PERP.X", Decimal(60), Decimal("60.000000001")
    )
    assert reason(gate, order("BUY", "1"), at + 1) is None  # a market order has no price to compare
    assert reason(gate, order("SELL", "1", "120"), at + 1) is None  # it reduces
    longer = open_gate(price_tolerance="0.02", max_reference_age_seconds=3600)
    assert reason(longer, order("BUY", "1", "100"), START + 3600 * SECOND) is None


@pytest.mark.parametrize(
    ("kind", "trigger", "expected"),
    [
        ("STOP_MARKET", "50", "OrderNotionalTooLarge"),  # the market has passed it: it fills at 101
        ("STOP_MARKET", "120", "OrderNotionalTooLarge"),
        ("MARKET_IF_TOUCHED", "70", None),
        ("MARKET_IF_TOUCHED", "150", "OrderNotionalTooLarge"),
    ],
)
def test_an_order_that_waits_is_worth_what_it_would_fill_at(kind: str, trigger: str, expected: str | None) -> None:
    gate = open_gate(max_order_notional="75")
    assert reason(gate, order("BUY", "1", kind=kind, trigger=Decimal(trigger), active=False)) == expected
