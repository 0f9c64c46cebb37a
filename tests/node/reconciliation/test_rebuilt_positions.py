"""Positions made again from the books' fills: what Nautilus then holds is what the books hold."""

import random
import uuid
from decimal import Decimal

import pytest
from msgspec.structs import replace
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.test_kit.providers import TestInstrumentProvider

from trading_node.book_events import Filled, Side
from trading_node.catalog.instruments import currency_pair
from trading_node.nautilus_rebuild import in_sequence, rebuild_position, since_flat
from trading_node.positions import Position, fold_position

SEEDS = range(300)
INSTRUMENT = TestInstrumentProvider.ethusdt_binance()


def drawn(rng: random.Random, strategy: str, *, spot: bool) -> list[Filled]:
    """Draw fills of one strategy; on spot what is bought pays its fee in what is bought."""
    fills = []
    for number in range(rng.randint(1, 14)):
        side = rng.choice((Side.BUY, Side.SELL))
        quantity = Decimal(rng.choice(("0.1", "0.2", "0.3", "0.4")))
        in_base = spot and side is Side.BUY
        fills.append(
            Filled(
                event_id=str(uuid.UUID(int=rng.getrandbits(128), version=4)), operation_id="LEDGER-001/O-1",
                trader_id="LEDGER-001",
                ts_event=number // 2, ts_init=number, strategy_id=strategy, venue="BINANCE", account_id="BINANCE-001",
                instrument_id="BINANCE-SPOT:SPOT:ETH-USDT", client_order_id="O-1", venue_order_id="1",
                trade_id=f"{strategy[-1]}{number}", position_id="P-1", side=side, quantity=quantity,
                price=Decimal(100 + number), commission=quantity / 1000 if in_base else Decimal("0.03"),
                commission_currency="ETH" if in_base else "USDT", liquidity="TAKER", base_currency="ETH",
                quote_currency="USDT", settlement_currency="USDT", spot=spot,
            )
        )  # fmt: skip
    return fills


def since_opened(position: Position, fills: list[Filled]) -> list[Filled]:
    """Return what the books give of an open position."""
    return [fill for fill in fills if fill.ts_event >= position.ts_opened]


@pytest.mark.parametrize("spot", [True, False], ids=["spot", "derivative"])
def test_what_the_books_hold_comes_back(*, spot: bool) -> None:
    rebuilt = 0
    for seed in SEEDS:
        fills = drawn(random.Random(seed), "Trader-1", spot=spot)
        position = fold_position(fills)
        assert position is not None
        if position.quantity:
            made = rebuild_position(position.quantity, since_opened(position, fills), INSTRUMENT)
            assert made is not None, f"seed {seed}"
            assert made.signed_decimal_qty() == position.quantity, f"seed {seed}"
            rebuilt += 1
    assert rebuilt > len(SEEDS) // 2


@pytest.mark.parametrize("spot", [True, False], ids=["spot", "derivative"])
def test_what_strategies_hold_together_comes_back_as_one(*, spot: bool) -> None:
    """Each strategy's fills begin where its own share left zero, so they make the sum only share by share."""
    rebuilt = 0
    for seed in SEEDS:
        rng = random.Random(seed)
        shares = [drawn(rng, f"Trader-{number}", spot=spot) for number in (1, 2)]
        made_of: list[Filled] = []
        total = Decimal(0)
        for fills in shares:
            position = fold_position(fills)
            assert position is not None
            if position.quantity:
                total += position.quantity
                made_of += since_flat(position.quantity, in_sequence(since_opened(position, fills)))
        if total:
            made = rebuild_position(total, made_of, INSTRUMENT)
            assert made is not None, f"seed {seed}"
            assert made.signed_decimal_qty() == total, f"seed {seed}"
            rebuilt += 1
    assert rebuilt > len(SEEDS) // 2


def test_a_commission_in_coins_that_the_venue_calls_otherwise() -> None:
    """Kraken's fills pay XETH where its instruments and the books say ETH."""
    kraken = currency_pair(InstrumentId.from_str("XETH/USDT.KRAKEN"), price_precision=2, size_precision=8)
    rebuilt = 0
    for seed in SEEDS:
        fills = [
            replace(fill, commission_currency="XETH" if fill.commission_currency == "ETH" else "USDT")
            for fill in drawn(random.Random(seed), "Trader-1", spot=True)
        ]
        position = fold_position(fills)
        assert position is not None
        if position.quantity:
            made = rebuild_position(position.quantity, since_opened(position, fills), kraken)
            assert made is not None, f"seed {seed}"
            assert made.signed_decimal_qty() == position.quantity, f"seed {seed}"
            rebuilt += 1
    assert rebuilt > len(SEEDS) // 2


def test_fills_that_do_not_make_it_make_nothing() -> None:
    fills = drawn(random.Random(1), "Trader-1", spot=False)
    assert rebuild_position(Decimal("77.7"), [replace(fill, ts_event=0) for fill in fills[:1]], INSTRUMENT) is None
