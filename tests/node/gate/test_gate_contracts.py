"""What Nautilus' instruments mean in money: the gate's own figure is Nautilus' own figure."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from nautilus_trader.model.currencies import AUD, USD
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.identifiers import AccountId
from nautilus_trader.model.instruments import CryptoPerpetual
from nautilus_trader.test_kit.providers import TestInstrumentProvider as Instruments

from tests.node.gate.contracts import contract_of
from trading_node.nautilus_orders import read_contract

KINDS = {
    "fx": Instruments.default_fx_ccy("AUD/USD"),
    "spot": Instruments.btcusdt_binance(),
    "perpetual": Instruments.btcusdt_perp_binance(),
    "inverse": Instruments.xbtusd_bitmex(),
    "quanto": Instruments.ethusd_bitmex(),
    "crypto future": Instruments.btcusdt_future_binance(),
    "equity": Instruments.equity(),
    "future": Instruments.es_future(2027, 3),
    "option": Instruments.aapl_option(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_notional_is_that_of_nautilus(kind: str) -> None:
    instrument = KINDS[kind]
    contract = contract_of(instrument)
    quantity, price = instrument.make_qty(Decimal(7)), instrument.make_price(Decimal(250))
    worth = instrument.notional_value(quantity, price, use_quote_for_inverse=True)
    assert contract.notional(Decimal(7), Decimal(250)) == pytest.approx(worth.as_decimal())
    assert contract.currency == worth.currency.code


def test_an_inverse_contract_settles_in_its_underlying() -> None:
    contract = contract_of(KINDS["inverse"])
    assert (contract.currency, contract.settlement, contract.base, contract.inverse) == ("USD", "BTC", "BTC", True)


def test_fx_has_both_currencies() -> None:
    contract = contract_of(KINDS["fx"])
    assert (contract.base, contract.currency) == (AUD.code, USD.code)


def test_margin_is_the_larger_of_the_instruments_and_the_leverages() -> None:
    perpetual = KINDS["perpetual"]
    assert contract_of(perpetual, leverage=2).margin == Decimal("0.5")
    assert contract_of(perpetual, leverage=100).margin == perpetual.margin_init
    assert contract_of(perpetual, AccountType.CASH).margin == 1
    # As Binance's adapter does, whatever the leverage.
    says_all = CryptoPerpetual.from_dict({**CryptoPerpetual.to_dict(perpetual), "margin_init": "1"})
    assert contract_of(says_all, leverage=20).margin == Decimal("0.05")
    assert contract_of(says_all, leverage=1).margin == 1


@pytest.mark.parametrize(
    ("oms", "dual_side", "hedged"),
    [
        (OmsType.HEDGING, False, False),  # Binance futures in one-way mode
        (OmsType.HEDGING, True, True),
        (OmsType.HEDGING, None, True),  # a client that says nothing more is taken at its word
        (OmsType.NETTING, None, False),
    ],
)
def test_a_venue_nets_where_the_account_says_so_whatever_the_client_calls_itself(
    oms: OmsType, dual_side: bool | None, hedged: bool
) -> None:
    said = {} if dual_side is None else {"_is_dual_side_position": dual_side}
    client: Any = SimpleNamespace(account_type=AccountType.CASH, account_id=AccountId("X-1"), oms_type=oms, **said)
    cache: Any = SimpleNamespace(account=lambda _: None)
    assert read_contract(KINDS["perpetual"], client, cache).hedged is hedged
