"""A commission counts once in the day's profit, in whatever it was charged: figures by hand, positions by Nautilus."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.model.enums import AccountType, OrderSide

from tests.node.gate.backtests import BUY, PERPETUAL, SELL, SPOT, Charged, Run, Step, backtest
from trading_api.risk import RiskLimits
from trading_node.risk.orders import Contract

# The bid is 50000; the ask is an increment above it, 0.01 on spot and 0.1 on the perpetual: mid 50000.005 or 50000.05.
COINS = Contract("BNBUSDT.BINANCE", "BINANCE", "USDT", "USDT", base="BNB", cash=True, spot=True)
"""What tells the gate the worth of BNB: 600."""


@dataclass(frozen=True)
class Trades:
    """What is traded, what a buy and a sell are charged, and what is left of it, by hand."""

    steps: tuple[tuple[OrderSide, str], ...]
    charges: tuple[str, str]
    position: str
    profit: str
    instrument: Any = SPOT


FREE = "0 USDT"
KINDS = {
    # 0.999 * 50000.005 - 50000.01
    "spot buy, in coins": Trades(((BUY, "1"),), ("0.001 BTC", FREE), "0.999", "-50.005005"),
    # 0.01 * (50000.005 - 50000.01) - 0.0000004 * 50000.005: six digits of a coin, so nothing is taken from the position
    "spot buy, in fewer coins than are counted": Trades(
        ((BUY, "0.01"),), ("0.0000004 BTC", FREE), "0.01", "-0.020050002"
    ),
    # 0.01 * (50000.005 - 50000.01) - 0.0000014 * 50000.005: 0.000001 of it is taken
    "spot buy, rounded": Trades(((BUY, "0.01"),), ("0.0000014 BTC", FREE), "0.009999", "-0.070050007"),
    # bought at 50000.01, sold at 50000: a cent, and 25
    "spot sell, in money": Trades(((BUY, "1"), (SELL, "1")), (FREE, "25 USDT"), "0", "-25.01"),
    # 0.4995 * 50000.005 + 0.5 * 50000 - 50000.01
    "spot sell, in coins": Trades(((BUY, "1"), (SELL, "0.5")), (FREE, "0.0005 BTC"), "0.4995", "-25.0075025"),
    # 0.999 * 50000 - 50000.01 - 25
    "spot, closed": Trades(((BUY, "1"), (SELL, "0.999")), ("0.001 BTC", "25 USDT"), "0", "-75.01"),
    # 50000.05 - 50000.1 - 20
    "perpetual, in money": Trades(((BUY, "1"),), ("20 USDT", FREE), "1", "-20.05", PERPETUAL),
    # 50000 - 50000.1 - 20 - 20
    "perpetual, closed": Trades(((BUY, "1"), (SELL, "1")), ("20 USDT", "20 USDT"), "0", "-40.1", PERPETUAL),
    # 50000.005 - 50000.01 - 0.05 * 600
    "a third currency": Trades(((BUY, "1"),), ("0.05 BNB", FREE), "1", "-30.005"),
    # 50000 - 50000.01 - 2 * 0.05 * 600
    "a third currency, closed": Trades(((BUY, "1"), (SELL, "1")), ("0.05 BNB", "0.05 BNB"), "0", "-60.01"),
    # 50000.05 - 50000.1 - 0.001 * 50000.05: a derivative is not made smaller
    "perpetual, in coins": Trades(((BUY, "1"),), ("0.001 BTC", FREE), "1", "-50.05005", PERPETUAL),
}


def send(side: OrderSide, quantity: str) -> Step:
    return lambda script: script.market(side, quantity)


def traded(trades: Trades, **options: Any) -> Any:
    spot = trades.instrument is SPOT
    return backtest(
        {second: send(side, quantity) for second, (side, quantity) in enumerate(trades.steps, 1)},
        instrument=trades.instrument,
        account=AccountType.CASH if spot else AccountType.MARGIN,
        balance="1000000 USDT, 10 BTC, 10 BNB",
        fees=Charged(*trades.charges),
        **options,
    )


def profit(run: Run) -> Decimal:
    assert run.gate is not None
    run.gate.read_prices()
    run.gate.book.valuation.revalue()
    return run.gate.book.valuation.node.profit


@pytest.mark.parametrize("kind", KINDS)
def test_the_days_profit_counts_a_commission_once(kind: str) -> None:
    trades = KINDS[kind]
    with traded(trades) as run:
        assert run.gate is not None
        run.gate.book.set_prices(run.gate.book.market(COINS), None, None, Decimal(600), 0)
        run.run()
        assert run.position() == Decimal(trades.position)
        assert profit(run) == Decimal(trades.profit)


@pytest.mark.parametrize(("limit", "denied"), [("75", []), ("50", ["DailyLoss"])])
def test_a_limit_on_the_days_loss_counts_it_once(limit: str, denied: list[str]) -> None:
    once = KINDS["spot buy, in coins"]  # which loses 50.005005
    with traded(replace(once, steps=(*once.steps, (BUY, "0.1"))), limits=RiskLimits(max_daily_loss=limit)) as run:
        run.run()
        assert run.reasons() == denied
