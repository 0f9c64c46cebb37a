"""Laws that hold after every step of any history."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.venue.exchanges import (
    ACCOUNTS,
    PERPETUAL,
    SPOT,
    Command,
    histories,
    make_exchange,
    play,
)
from tests.venue.core.conditional import Conditionals
from tests.venue.core.exchange import Exchange
from tests.venue.core.model import Conditional, Instrument, Order, Side, Status
from tests.venue.core.rules import VenueRules, lock_asset

RULES = [
    VenueRules(conditional_keeps_id=True, conditional_locks=True, fok_refused=False),
    VenueRules(post_only_refused=False),
]
QUICK = examples(10)


def assert_sound(exchange: Exchange, conditionals: Conditionals) -> None:
    assert exchange.ledger.imbalance(exchange.instruments) == {}
    for symbol, book in exchange.books.items():
        bid, ask = book.best_price(Side.BUY), book.best_price(Side.SELL)
        assert bid is None or ask is None or bid < ask, "crossed book"
        _assert_book_is_open_orders(exchange, symbol)
    _assert_locks_match(exchange, conditionals)
    _assert_fills_add_up(exchange)
    _assert_reduce_only_fits(exchange)


def _assert_reduce_only_fits(exchange: Exchange) -> None:
    for account in ACCOUNTS:
        for order in exchange.open_orders(account):
            held = exchange.ledger.accounts[account].position(order.symbol).quantity
            if order.request.reduce_only:
                assert 0 < order.remaining <= -held * order.side.sign


def _assert_book_is_open_orders(exchange: Exchange, symbol: str) -> None:
    expected: dict[tuple[Side, Decimal], Decimal] = defaultdict(Decimal)
    for account in ACCOUNTS:
        for order in exchange.open_orders(account, symbol):
            assert order.price is not None
            assert order.remaining > 0
            expected[order.side, order.price] += order.remaining
    book = exchange.books[symbol]
    assert {(side, price): total for side in Side for price, total in book.levels(side)} == expected


def _assert_locks_match(exchange: Exchange, conditionals: Conditionals) -> None:
    locks: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for account in ACCOUNTS:
        holders: list[Order | Conditional] = [*exchange.open_orders(account), *conditionals.waiting(account)]
        for holder in holders:
            asset = lock_asset(exchange.instrument(holder.symbol), holder.request.side)
            locks[account, asset] += holder.reserved
        purse = exchange.ledger.accounts[account]
        for asset in purse.assets():
            assert purse.locked[asset] == locks[account, asset]
            assert exchange.instruments.keys() & {PERPETUAL.symbol} or purse.free[asset] >= 0


def _assert_fills_add_up(exchange: Exchange) -> None:
    quantity: dict[int, Decimal] = defaultdict(Decimal)
    quote: dict[int, Decimal] = defaultdict(Decimal)
    sides: dict[int, list[Side]] = defaultdict(list)
    for fill in exchange.fills:
        quantity[fill.order_id] += fill.quantity
        quote[fill.order_id] += fill.quantity * fill.price
        sides[fill.trade_id].append(fill.side)
    assert all(sorted(pair) == [Side.BUY, Side.SELL] for pair in sides.values())
    for order in exchange.orders.values():
        assert (order.filled, order.filled_quote) == (quantity[order.id], quote[order.id])
        assert (order.status is Status.FILLED) == (order.remaining == 0)


@pytest.mark.parametrize("rules", RULES)
@QUICK
@given(history=histories(SPOT.symbol))
def test_spot_history_is_sound(rules: VenueRules, history: list[Command]) -> None:
    play(make_exchange(SPOT, rules), history, assert_sound)


@pytest.mark.parametrize("rules", RULES)
@QUICK
@given(history=histories(PERPETUAL.symbol))
def test_perpetual_history_is_sound(rules: VenueRules, history: list[Command]) -> None:
    play(make_exchange(PERPETUAL, rules), history, assert_sound)


@pytest.mark.parametrize("instrument", [SPOT, PERPETUAL])
@QUICK
@given(data=st.data())
def test_same_history_gives_same_journal(instrument: Instrument, data: st.DataObject) -> None:
    history = data.draw(histories(instrument.symbol))
    first, second = make_exchange(instrument), make_exchange(instrument)
    play(first, history)
    play(second, history)
    assert first.journal.events == second.journal.events
    assert first.journal.drain_market() == second.journal.drain_market()


@QUICK
@given(history=histories(PERPETUAL.symbol))
def test_reduce_only_never_grows_a_position(history: list[Command]) -> None:
    exchange = make_exchange(PERPETUAL)
    play(exchange, history)
    held: dict[str, Decimal] = defaultdict(Decimal)
    for fill in exchange.fills:
        before = held[fill.account]
        held[fill.account] += fill.side.sign * fill.quantity
        if exchange.orders[fill.order_id].request.reduce_only:
            assert abs(held[fill.account]) < abs(before)
            assert held[fill.account] * before >= 0


@QUICK
@given(history=histories(SPOT.symbol))
def test_cancelling_everything_releases_every_lock(history: list[Command]) -> None:
    exchange = make_exchange(SPOT, RULES[0])
    conditionals = play(exchange, history)
    for account in ACCOUNTS:
        for order in exchange.open_orders(account):
            exchange.cancel(account, order.id, 99)
        for conditional in conditionals.waiting(account):
            conditionals.cancel(account, conditional.id, 99)
        assert not any(exchange.ledger.accounts[account].locked.values())
    assert exchange.books[SPOT.symbol].levels(Side.BUY) == exchange.books[SPOT.symbol].levels(Side.SELL) == []
