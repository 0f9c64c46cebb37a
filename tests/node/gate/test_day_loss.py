"""The day's loss begins with the life and with the day, whether an order comes or not."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.identifiers import InstrumentId

from tests.node.gate.backtests import BUY, SECOND, START, Run, Script, Step, backtest
from trading_api.risk import RiskLimits
from trading_node.gate import Gate
from trading_node.market_prices import MarketPrices
from trading_node.nautilus_gate import NautilusGate
from trading_node.risk.holdings import Market
from trading_node.risk.limits import compile_limits

MIDNIGHT = 86_400 - START // SECOND % 86_400
"""Seconds from the start to midnight UTC."""


@contextmanager
def second_life(at: int, looks: range, steps: dict[int, Step], limit: str, **options: Any) -> Iterator[Run]:
    """A backtest without a gate, until a life with one begins at a second; its prices are read at some seconds."""
    lives: list[Run] = []

    def begin(_: Script) -> None:
        run = lives[0]
        run.gate = Gate(compile_limits(RiskLimits(max_daily_loss=limit)), on_denial=run.denials.append)
        installed = NautilusGate(run.engine.kernel, run.gate)
        installed.install()
        installed.begin()
        run.gate.set_reconciled(True)

    def look(_: Script) -> None:
        assert lives[0].gate is not None
        lives[0].gate.read_prices()
        lives[0].gate.book.valuation.losses()  # as what keeps them for the next start does

    every: dict[float, Step] = {at + 0.5: begin, **{second + 0.7: look for second in looks}}
    with backtest({**every, **{second + 0.9: step for second, step in steps.items()}}, gated=False, **options) as run:
        lives.append(run)
        yield run


def buy(quantity: str) -> Step:
    return lambda script: script.market(BUY, quantity)


@pytest.mark.parametrize(("limit", "denied"), [("400", 1), ("600", 0)])
def test_a_loss_between_a_start_and_its_first_order_counts(limit: str, denied: int) -> None:
    prices = [*["50000"] * 4, *["49500"] * 4, "49000"]  # bought at the first, begun at the second
    with second_life(5, range(6, 12), {1: buy("1"), 12: buy("0.1")}, limit, prices=prices) as run:
        run.run()
        assert [denial.deny.reason for denial in run.denials] == ["DailyLoss"] * denied
        assert len(run.orders(OrderStatus.DENIED)) == denied
        if denied:
            assert run.denials[0].deny.value == 500


def test_a_position_from_before_counts_from_its_first_price(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its price is not known at the start: strategies subscribe after it."""
    refresh = MarketPrices.refresh

    def late(self: MarketPrices, market: Market, instrument_id: InstrumentId) -> None:
        if run.engine.kernel.clock.timestamp_ns() >= START + 8 * SECOND:
            refresh(self, market, instrument_id)

    monkeypatch.setattr(MarketPrices, "refresh", late)
    prices = [*["50000"] * 7, *["49500"] * 4, "49000"]
    with second_life(5, range(6, 15), {1: buy("1"), 14: buy("0.1")}, "400", prices=prices) as run:
        run.run()
        assert [denial.deny.value for denial in run.denials] == [500]


def test_a_loss_between_midnight_and_the_days_first_order_counts() -> None:
    dawn = MIDNIGHT + 5
    prices = [*["50000"] * 4, *["49500"] * (dawn - 4), "49000"]
    options = {"prices": prices, "gap": (6, MIDNIGHT - 3), "seconds": dawn + 15}
    looks = range(MIDNIGHT - 3, dawn + 9)
    with second_life(2, looks, {1: buy("1"), dawn + 9: buy("0.1")}, "400", **options) as run:
        run.run()
        assert [denial.deny.value for denial in run.denials] == [500]
