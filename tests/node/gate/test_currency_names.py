"""Kraken calls its currencies XXBT and ZUSD: the limits speak of BTC and USD, the account of what it holds."""

from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from nautilus_trader.core import nautilus_pyo3 as pyo3
from nautilus_trader.model.enums import AccountType, OrderSide
from nautilus_trader.model.instruments import Instrument, instruments_from_pyo3

from tests.node.gate.backtests import BUY, SELL, START, Charged, Step, backtest
from tests.node.gate.contracts import contract_of
from tests.node.venues.answers import answering
from tests.unit.gate.orders import order, reason, set_price
from trading_api.risk import RiskLimits
from trading_node.gate import Gate
from trading_node.position_report import Mark
from trading_node.risk.decision import Deny, Reason
from trading_node.risk.limits import compile_limits

type Listed = dict[str, Instrument]
ACCOUNT = "100000 ZUSD, 1 XXBT"


@pytest_asyncio.fixture
async def kraken() -> Listed:
    """Instruments as Kraken's own client makes them, by symbol."""
    async with answering() as url:
        made = await pyo3.KrakenSpotHttpClient(base_url=url, max_retries=0).request_instruments()
    return {each.id.symbol.value: each for each in instruments_from_pyo3(made)}


def send(*trades: tuple[OrderSide, str]) -> dict[int, Step]:
    def trade(side: OrderSide, quantity: str) -> Step:
        return lambda script: script.market(side, quantity)

    return {second: trade(*each) for second, each in enumerate(trades, 1)}


def on_kraken(kraken: Listed, steps: dict[int, Step], charge: str = "0 ZUSD", **limits: Any) -> Any:
    return backtest(
        steps, instrument=kraken["BTC/USD"], account=AccountType.CASH, balance=ACCOUNT, fees=Charged(charge, charge),
        limits=RiskLimits(**limits),
    )  # fmt: skip


def test_a_contract_has_the_limits_names_and_the_accounts(kraken: Listed) -> None:
    contract = contract_of(kraken["BTC/USD"], AccountType.CASH)
    assert kraken["BTC/USD"].quote_currency.code == "ZUSD"
    assert (contract.base, contract.currency, contract.settlement) == ("BTC", "USD", "USD")
    assert (contract.account_base, contract.account_settlement) == ("XXBT", "ZUSD")


def test_limits_in_money_hold_there(kraken: Listed) -> None:
    sizes = send((BUY, "0.01"), (BUY, "0.03"), (BUY, "0.01"), (BUY, "0.01"))
    with on_kraken(kraken, sizes, max_order_notional="1000", max_gross_notional="1400", max_daily_loss="1000") as run:
        denied = [denial.deny for denial in run.run().denials]
        assert [(each.reason, each.limit) for each in denied] == [
            (Reason.ORDER_NOTIONAL_TOO_LARGE, 1000), (Reason.GROSS_NOTIONAL_TOO_LARGE, 1400),
        ]  # fmt: skip
        assert run.position() == Decimal("0.02")


def test_the_free_balance_is_the_accounts_own(kraken: Listed) -> None:
    orders = send((SELL, "0.6"), (SELL, "0.4"), (BUY, "1.3"), (BUY, "0.3"))
    with on_kraken(kraken, orders, max_balance_use="0.5") as run:  # 120000 ZUSD after the sale
        assert [(denial.deny.reason, denial.deny.scope, denial.deny.limit) for denial in run.run().denials] == [
            (Reason.BALANCE_TOO_SMALL, "XXBT", Decimal("0.5")), (Reason.BALANCE_TOO_SMALL, "ZUSD", 60_000),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("charge", "profit"),
    [
        # 0.01 * (50000.000005 - 50000.00001) - 1; the same - 0.001 * 50000.000005
        ("1 ZUSD", "-1.00000005"),
        ("0.001 XXBT", "-50.000000055"),
        ("0.001 BTC", "-50.000000055"),
    ],
)
def test_commissions_count_whatever_their_currency_is_called(kraken: Listed, charge: str, profit: str) -> None:
    with on_kraken(kraken, send((BUY, "0.01")), charge) as run:
        run.run()
        assert run.gate is not None
        run.gate.read_prices()
        run.gate.book.valuation.revalue()
        assert run.gate.book.valuation.node.profit == Decimal(profit)


def test_one_pair_converts_what_another_is_priced_in(kraken: Listed) -> None:
    gate = Gate(compile_limits(RiskLimits(max_order_notional="1000")))
    gate.set_reconciled(True)
    pair = contract_of(kraken["ETH/BTC"], AccountType.CASH)
    set_price(gate, pair, "0.05", "0.05")
    refused = gate.submit(order("BUY", "0.4", contract=pair), START)
    assert refused == Deny(Reason.NO_CONVERSION, "BTC")
    set_price(gate, contract_of(kraken["BTC/USD"], AccountType.CASH), "50000", "50000")
    assert reason(gate, order("BUY", "0.4", contract=pair)) is None
    assert reason(gate, order("BUY", "0.41", contract=pair)) == "OrderNotionalTooLarge"
    assert gate.prices().marks["BTC/USD.KRAKEN"] == Mark(base="BTC", currency="USD", price=Decimal(50000))


def test_limits_may_speak_as_kraken_does() -> None:
    limits = compile_limits(RiskLimits(currency="ZUSD", equal_currencies=("USDT",)))
    assert (limits.currency, limits.equal_currencies) == ("USD", frozenset({"USD", "USDT"}))
