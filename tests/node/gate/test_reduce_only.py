"""Reduce-only is taken at its word where the venue keeps it, and nowhere else."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import AccountId
from nautilus_trader.test_kit.providers import TestInstrumentProvider

from tests.node.gate.backtests import BUY, PERPETUAL, SELL, SPOT, Script, backtest
from trading_api.risk import RiskLimits
from trading_node.nautilus_orders import read_contract


class InteractiveBrokersExecutionClient(SimpleNamespace):
    """Has the name of the client that sends no reduce-only."""


@pytest.mark.parametrize(
    ("instrument", "client", "account", "kept"),
    [
        (PERPETUAL, SimpleNamespace, AccountType.MARGIN, (True, True)),
        (SPOT, SimpleNamespace, AccountType.CASH, (False, True)),  # nobody can sell there what he does not have
        (SPOT, SimpleNamespace, AccountType.MARGIN, (False, False)),  # but he can where he borrows it
        (
            TestInstrumentProvider.es_future(2027, 3),
            InteractiveBrokersExecutionClient,
            AccountType.MARGIN,
            (False, False),
        ),
    ],
)
def test_what_a_venue_keeps_of_it(
    instrument: Any, client: type[Any], account: AccountType, kept: tuple[bool, bool]
) -> None:
    made: Any = client(account_type=account, account_id=AccountId("X-1"), oms_type=OmsType.NETTING)
    cache: Any = SimpleNamespace(account=lambda _: None)
    contract = read_contract(instrument, made, cache)
    assert (contract.reduce_only_buys, contract.reduce_only_sells) == kept


@pytest.mark.parametrize("limits", [{"max_gross_notional": "40000"}, {"max_position_notional": "40000"}])
@pytest.mark.parametrize("side", [BUY, SELL])
def test_on_spot_a_reduce_only_buy_is_held_against_the_limits(limits: dict[str, str], side: OrderSide) -> None:
    """Binance's client leaves the mark out of what it sends for spot."""
    steps = {1: lambda script: script.market(BUY, "0.5"), 2: reduce_only(side)}
    account = {"instrument": SPOT, "account": AccountType.CASH, "balance": "100000 USDT, 1 BTC"}
    with backtest(steps, limits=RiskLimits(**limits), **account) as run:
        run.run()
        reason = "GrossNotionalTooLarge" if "max_gross_notional" in limits else "PositionNotionalTooLarge"
        assert run.reasons() == ([reason] if side == BUY else [])
        assert run.position() == (Decimal("0.5") if side == BUY else Decimal(0))


def reduce_only(side: OrderSide) -> Any:
    def send(script: Script) -> None:
        script.market(side, "0.5", reduce_only=True)

    return send
