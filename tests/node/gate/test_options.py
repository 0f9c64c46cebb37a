"""Coin options: Nautilus calls them inverse, and their premium is in the coin that they settle in. Figures by hand."""

from decimal import Decimal

import pytest
import pytest_asyncio
from nautilus_trader.core import nautilus_pyo3 as pyo3
from nautilus_trader.model.instruments import Instrument, instruments_from_pyo3

from tests.node.gate.backtests import BUY, SELL, Charged, Step, backtest
from tests.node.gate.contracts import contract_of
from tests.node.venues.answers import answering
from tests.unit.gate.orders import PERPETUAL, open_gate, order, set_price
from trading_api.risk import RiskLimits
from trading_node.risk.decision import Reason
from trading_node.risk.orders import Contract

type Listed = dict[str, Instrument]
DERIBIT, OKX, BYBIT = "ETH-26MAR27-4000-C", "BTC-USD-260327-70000-C", "BTC-27MAR26-70000-P-USDT-OPTION"
ETHER = Contract("ETH_USDC.DERIBIT", "DERIBIT", "USDC", "USDC", base="ETH", cash=True, spot=True)


@pytest_asyncio.fixture
async def listed() -> Listed:
    """What the venues' own clients make of their listings, by symbol."""
    async with answering() as url:
        deribit = pyo3.DeribitHttpClient(base_url=f"{url}/api/v2", max_retries=0)
        okx = pyo3.OKXHttpClient(api_key="a", api_secret="b", api_passphrase="c", base_url=url, max_retries=0)  # noqa: S106  # of nobody
        bybit = pyo3.BybitHttpClient(base_url=url, max_retries=0)
        made = list(await deribit.request_instruments(pyo3.DeribitCurrency.ANY, None))
        for kind in (pyo3.OKXInstrumentType.OPTION, pyo3.OKXInstrumentType.FUTURES):
            found, _ = await okx.request_instruments(kind, None)
            made += found
        made += await bybit.request_instruments(pyo3.BybitProductType.OPTION)
    return {each.id.symbol.value: each for each in instruments_from_pyo3(made)}


@pytest.mark.parametrize(
    ("symbol", "coin", "premium", "paid"),
    [
        (DERIBIT, "ETH", "0.05", "0.1"),  # 2 * 0.05 ETH
        (OKX, "BTC", "0.05", "0.001"),  # 2 contracts of 0.01 BTC, 0.05 BTC for one of them
    ],
)
def test_a_premium_is_in_coins(listed: Listed, symbol: str, coin: str, premium: str, paid: str) -> None:
    assert listed[symbol].is_inverse
    contract = contract_of(listed[symbol])
    assert (contract.currency, contract.settlement, contract.account_settlement) == (coin, coin, coin)
    assert contract.notional(Decimal(2), Decimal(premium)) == Decimal(paid)
    assert contract.settle(Decimal(2), Decimal(premium)) == -Decimal(paid)
    assert contract.settle(Decimal(-2), Decimal(premium)) == Decimal(paid)


def test_what_settles_in_coins_and_is_priced_in_money_stays_inverse(listed: Listed) -> None:
    for symbol in ("BTC-PERPETUAL", "BTC-27MAR26", "BTC-USD-260327"):
        contract = contract_of(listed[symbol])
        assert (contract.inverse, contract.currency, contract.settlement) == (True, "USD", "BTC")
    assert contract_of(listed["BTC-USD-260327"]).base == "BTC"


def test_an_order_is_held_against_its_premium_in_money(listed: Listed) -> None:
    gate = open_gate(max_order_notional="1000")  # where a coin is worth 100
    set_price(gate, PERPETUAL, "50000", "50000")
    option = contract_of(listed[OKX])
    set_price(gate, option, "0.05", "0.05")
    refused = gate.submit(order("BUY", "41", "0.05", contract=option), 0)  # 41 * 0.01 * 0.05 * 50000
    assert refused is not None
    assert (refused.reason, refused.value) == (Reason.ORDER_NOTIONAL_TOO_LARGE, 1025)
    assert gate.submit(order("BUY", "40", "0.05", contract=option), 0) is None


@pytest.mark.parametrize("symbol", [OKX, BYBIT, "BTC-FS-27MAR26_PERP"])
def test_a_premium_or_a_difference_is_not_the_price_of_the_coin(listed: Listed, symbol: str) -> None:
    gate = open_gate()
    set_price(gate, PERPETUAL, "50000", "50000")
    set_price(gate, contract_of(listed[symbol]), "7", "7")
    assert gate.book.valuation.rate("BTC") == 50_000


@pytest.mark.parametrize(
    ("steps", "position", "profit"),
    [
        # (2 * (0.05025 - 0.0505) - 0.0006) * 3000: the bid is 0.05, the ask 0.0505, the mark between them
        ({1: "BUY"}, 2, "-3.3"),
        # the bid less the ask: (2 * (0.05 - 0.0505) - 2 * 0.0006) * 3000
        ({1: "BUY", 2: "SELL"}, 0, "-6.6"),
    ],
)
def test_a_days_profit_is_that_of_the_premiums(
    listed: Listed, steps: dict[int, str], position: int, profit: str
) -> None:
    def send(side: str) -> Step:
        return lambda script: script.market(BUY if side == "BUY" else SELL, "2")

    said = {second: send(side) for second, side in steps.items()}
    limits = RiskLimits(max_gross_notional="400", max_daily_loss="10")
    with backtest(
        said, instrument=listed[DERIBIT], prices=["0.05"], balance="1000000 ETH", limits=limits, seconds=5,
        fees=Charged("0.0006 ETH", "0.0006 ETH"),
    ) as run:  # fmt: skip
        assert run.gate is not None
        run.gate.book.set_prices(run.gate.book.market(ETHER), None, None, Decimal(3000), 0)
        run.run()
        assert not run.reasons()
        assert run.position() == position
        run.gate.read_prices()
        run.gate.book.valuation.revalue()
        assert run.gate.book.valuation.node.profit == Decimal(profit)
