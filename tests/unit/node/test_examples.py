"""The example strategies' own arithmetic and their configs."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import MessageBus, TestClock
from nautilus_trader.model.identifiers import TraderId
from nautilus_trader.portfolio.portfolio import Portfolio
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from pydantic import JsonValue

from trading_api.deployment import Strategy
from trading_api.exit_codes import ExitCode
from trading_node.errors import NodeError
from trading_node.examples.mean_reversion import RollingMean
from trading_node.strategies import load_strategy

PRICES = st.lists(st.decimals(min_value=1, max_value=10**6, places=2), min_size=1, max_size=60)


@given(PRICES, st.integers(1, 20))
def test_the_rolling_mean_is_that_of_the_last_values(prices: list[Decimal], size: int) -> None:
    rolling = RollingMean(size)
    for price in prices:
        rolling.add(price)
    last = prices[-size:]
    mean = sum(last, Decimal(0)) / len(last)
    assert rolling.full == (len(prices) >= size)
    assert rolling.mean == mean
    variance = sum(((price - mean) ** 2 for price in last), Decimal(0)) / len(last)
    assert abs(rolling.variance - variance) < Decimal("1e-12")


def strategy(name: str = "ema", **config: JsonValue) -> Strategy:
    module = f"trading_node.examples.{'ema_cross:EmaCross' if name == 'ema' else 'mean_reversion:MeanReversion'}"
    values = {"instrument_id": "BTCUSDT.BINANCE", "trade_size": "0.01", **config}
    return Strategy(name=name, path=module, config_path=f"{module}Config", config=values)


@pytest.mark.parametrize("name", ["ema", "revert"])
def test_an_example_is_made_with_its_own_order_id_tag(name: str) -> None:
    one, again = load_strategy(strategy(name)), load_strategy(strategy(name))
    assert one.id == again.id
    tagged = strategy(name).model_copy(update={"order_id_tag": "X1"})
    assert load_strategy(tagged).id.value.endswith("-X1")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"fast": 20}, r"fast \(20\) must be less than slow \(20\)"),
        ({"fast": 0}, "fast"),
        ({"fats": 3}, "Did you mean fast instead of fats"),
        ({"trade_size": "much"}, "trade_size"),
        ({"instrument_id": 5}, "instrument_id"),
        ({"strategy_id": "X-1"}, "Remove the field"),
    ],
)
def test_a_wrong_config_is_refused_with_what_to_write(config: dict[str, Any], words: str) -> None:
    with pytest.raises(NodeError, match=words) as error:
        load_strategy(strategy(**config))
    assert error.value.exit_code is ExitCode.STRATEGY_REFUSED


def test_trades_that_come_before_an_order_has_left_bring_no_second_one() -> None:
    clock, trader = TestClock(), TraderId("DESK-A-001")
    sent: list[Any] = []
    bus, cache = MessageBus(trader, clock), Cache()
    cache.add_instrument(TestInstrumentProvider.btcusdt_binance())
    bus.register("RiskEngine.execute", sent.append)
    bus.register("DataEngine.execute", lambda _: None)
    example = load_strategy(strategy())
    example.register(trader, Portfolio(bus, cache, clock), bus, cache, clock)
    example.start()
    for _ in range(3):
        example.hold(Decimal("0.01"))
    assert [str(command.order.quantity) for command in sent] == ["0.010000"]
