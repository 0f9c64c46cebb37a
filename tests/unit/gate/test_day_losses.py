"""The day's loss over restarts: what a start hands to the next, and what it does not."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.unit.gate.orders import HEDGED, PERPETUAL, SECOND, SPOT, START, hold, open_gate, order, reason, set_price
from trading_api.codec import node_config_of
from trading_api.risk import RiskLimits, StrategyRisk
from trading_node import day_losses
from trading_node.gate import Gate
from trading_node.risk.decision import Deny, Reason
from trading_node.risk.limits import compile_limits
from trading_node.risk.losses import DayLosses
from trading_node.risk.orders import Contract

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "paper.json"
DAY = START // (86_400 * SECOND)
EURO_RATE = Contract("EURUSDT.X", "X", "USDT", "USDT", base="EUR")
NEXT_DAY = (DAY + 1) * 86_400 * SECOND


def losing_gate() -> Gate:
    """A gate whose strategy ema lost 60, and other nothing."""
    gate = open_gate(max_daily_loss="50")
    assert reason(gate, order("BUY", "0.1", "90")) is None
    hold(gate, "1")
    set_price(gate, PERPETUAL, "40", "40")
    assert reason(gate, order("BUY", "0.1", "40")) == "DailyLoss"
    return gate


def next_life(folder: Path, **limits: object) -> Gate:
    gate = open_gate(**limits)
    carried = day_losses.load(folder)
    if carried is not None:
        gate.book.valuation.carry(carried)
    return gate


def kept(folder: Path, gate: Gate) -> None:
    losses = gate.book.valuation.losses()
    assert losses is not None
    day_losses.save(folder, losses)


def test_a_restart_does_not_open_the_daily_limit_anew(tmp_path: Path) -> None:
    kept(tmp_path, losing_gate())
    gate = next_life(tmp_path, max_daily_loss="50")
    refusal = gate.submit(order("BUY", "0.1", "90"), START)
    assert refusal is not None
    assert (str(refusal.reason), refusal.value) == ("DailyLoss", Decimal(60))
    hold(gate, "1")
    assert reason(gate, order("SELL", "1", "99")) is None
    kept(tmp_path, gate)  # and so on, life after life
    assert reason(next_life(tmp_path, max_daily_loss="50"), order("BUY", "0.1", "90")) == "DailyLoss"


def test_what_was_lost_is_that_strategys_and_that_venues(tmp_path: Path) -> None:
    kept(tmp_path, losing_gate())
    both = [StrategyRisk(name=name, max_daily_loss="50") for name in ("ema", "other")]
    gate = next_life(tmp_path, strategies=both)
    assert reason(gate, order("BUY", "0.1", "90")) == "DailyLoss"
    assert reason(gate, order("BUY", "0.1", "90", strategy="other")) is None


def test_a_life_that_asked_nothing_hands_on_what_it_was_handed(tmp_path: Path) -> None:
    kept(tmp_path, losing_gate())
    kept(tmp_path, next_life(tmp_path))
    assert reason(next_life(tmp_path, max_daily_loss="50"), order("BUY", "0.1", "90")) == "DailyLoss"


@pytest.mark.parametrize(
    ("options", "at"), [({}, NEXT_DAY), ({"currency": "EUR", "equal_currencies": ["USDT"]}, START)]
)
def test_another_day_or_currency_begins_anew(tmp_path: Path, options: dict[str, object], at: int) -> None:
    kept(tmp_path, losing_gate())
    gate = next_life(tmp_path, max_daily_loss="50", **options)
    assert reason(gate, order("BUY", "0.1", "90"), at) is None


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert day_losses.load(tmp_path) is None
    assert not caplog.records
    (tmp_path / day_losses.FILE).write_text("{")
    assert day_losses.load(tmp_path) is None
    assert "begins anew" in caplog.text


async def test_they_are_kept_while_a_node_runs_and_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(day_losses, "SAVE_SECONDS", 0.001)
    state = tmp_path / "state"
    gate = losing_gate()
    async with day_losses.kept_losses(state, Gate(gate.limits)):
        pass
    assert not state.exists()  # nothing was lost
    async with asyncio.timeout(10), day_losses.kept_losses(state, gate):
        before = gate.book.valuation.losses()
        set_price(gate, PERPETUAL, "30", "30")
        while (found := day_losses.load(state)) is None or found == before:  # noqa: ASYNC110  # awaited is a file
            await asyncio.sleep(0.001)
        assert found == DayLosses(DAY, ("USD", "USDC", "USDT"), Decimal(70), {"ema": Decimal(70)}, {"X": Decimal(70)})
        set_price(gate, PERPETUAL, "20", "20")
    found = day_losses.load(state)
    assert found is not None
    assert found.node == 80
    (tmp_path / "file").write_text("")
    async with day_losses.kept_losses(tmp_path / "file" / "state", gate):
        set_price(gate, PERPETUAL, "10", "10")
    assert "cannot be kept" in caplog.text


async def test_prices_are_read_each_second_whether_an_order_comes_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(day_losses, "LOOK_SECONDS", 0.001)
    gate, read = open_gate(max_daily_loss="50"), asyncio.Event()
    gate.read_prices = read.set
    following = asyncio.ensure_future(day_losses.follow_profit(gate))
    async with asyncio.timeout(10):
        for _ in range(3):
            await read.wait()
            read.clear()
    following.cancel()


@pytest.mark.parametrize(
    ("options", "database", "folder"),
    [
        ({"state_directory": "state"}, {"directory": "books"}, "state"),
        ({}, {"directory": "books"}, "books"),  # as a live node by hand has it
        ({}, None, None),
    ],
)
def test_they_are_kept_with_the_state_or_else_with_the_books(
    options: dict[str, str], database: dict[str, str] | None, folder: str | None
) -> None:
    document = json.loads(EXAMPLE.read_text())
    document["trading_node"] |= options
    if database is not None:
        document["database"] = database
    assert day_losses.losses_folder(node_config_of(document)) == folder


EUROS: dict[str, Any] = {"currency": "EUR", "equal_currencies": []}


def test_a_loss_that_nothing_converts_lets_only_reducing_orders_pass() -> None:
    gate = open_gate(max_daily_loss="50", **EUROS)
    assert reason(gate, order("BUY", "10", "90")) is None
    hold(gate, "10")
    assert gate.submit(order("BUY", "0.1", "10"), START) == Deny(Reason.NO_CONVERSION, "USDT")
    assert reason(gate, order("SELL", "10", "120")) is None
    hold(gate, "0")
    gate.book.pay(gate.book.holding(order("SELL", "10")), Decimal(-1))  # closed: the loss stays unknown
    assert reason(gate, order("BUY", "0.1", "10")) == "NoConversion"
    set_price(gate, EURO_RATE, "2", "2")
    assert reason(gate, order("BUY", "0.1", "10")) is None
    assert gate.book.valuation.node.day_loss == Decimal("0.5")


def test_a_position_without_a_price_is_an_unknown_loss_of_its_strategy_and_of_the_node() -> None:
    gate = open_gate(strategies=[StrategyRisk(name="ema", max_daily_loss="50")])
    market = gate.book.market(SPOT)
    holding = gate.book.open_holding(("ema", SPOT.instrument_id, ""), market)
    gate.book.set_position(holding, "", Decimal(1))
    gate.book.pay(holding, Decimal(-100))
    assert gate.submit(order("BUY", "0.1", "10"), START) == Deny(Reason.NO_REFERENCE_PRICE, SPOT.instrument_id)
    assert reason(gate, order("BUY", "0.1", "10", strategy="other")) is None
    gate.set_limits(compile_limits(RiskLimits(max_daily_loss="50")))
    assert reason(gate, order("BUY", "0.1", "10", strategy="other")) == "NoReferencePrice"
    set_price(gate, SPOT, "99", "101")
    assert reason(gate, order("BUY", "0.1", "10")) is None
    assert gate.book.valuation.node.day_loss == 0


def test_what_a_closed_position_of_its_own_lost_is_known_once_a_rate_is() -> None:
    gate = open_gate(max_daily_loss="50", **EUROS)
    set_price(gate, HEDGED, "100", "100")
    hold(gate, "1", contract=HEDGED, position_id="P-1")
    set_price(gate, HEDGED, "40", "40")
    hold(gate, "0", contract=HEDGED, position_id="P-1")
    assert reason(gate, order("BUY", "0.1", "10")) == "NoConversion"
    set_price(gate, EURO_RATE, "1", "1")
    assert gate.submit(order("BUY", "0.1", "10"), START) == Deny(Reason.DAILY_LOSS, "", Decimal(50), Decimal(60))
