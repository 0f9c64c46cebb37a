"""What a paper account remembers of a position is the position."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest
from nautilus_trader.cache.cache import Cache
from nautilus_trader.model.identifiers import InstrumentId

from trading_api.venues import AccountType, OmsType
from trading_node.catalog.instruments import currency_pair
from trading_node.venues.paper import KeptAccount, instruments_known
from trading_node.venues.paper_memory import keep_position, make_position
from trading_node.venues.paper_state import KeptPosition, PaperFile, PaperState


@pytest.mark.parametrize("price", [43_211.987654321, 1.05, 0.0000123456, 0.0000000431287, 0.0000000000012345])
@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_a_position_comes_back_at_its_average_price(side: str, price: float) -> None:
    """Also of a coin that costs next to nothing, over any number of restarts."""
    instrument = currency_pair(InstrumentId.from_str("SATS/USDT.OKX"), price_precision=13, size_precision=2)
    kept = KeptPosition(
        position_id="P-1", trader_id="DESK-A-001", strategy_id="EMA-1", instrument_id="SATS/USDT.OKX",
        account_id="OKX-001", opening_order_id="O-1", side=side, quantity="1000000.5", average_price=price,
        realized="-0.25", opened_ns=1,
    )  # fmt: skip
    again = kept
    for _ in range(3):
        again = keep_position(make_position(again, instrument))
    assert again.average_price == pytest.approx(price, rel=1e-9)
    assert Decimal(again.quantity) == Decimal(kept.quantity)
    assert Decimal(again.realized) == Decimal(kept.realized)
    unchanged = {"average_price", "quantity", "realized"}
    assert again.model_dump(exclude=unchanged) == kept.model_dump(exclude=unchanged)


async def test_an_account_waits_for_its_instruments_and_says_which(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    instrument = currency_pair(InstrumentId.from_str("SATS/USDT.OKX"), price_precision=13, size_precision=2)
    position = KeptPosition(
        position_id="P-1", trader_id="DESK-A-001", strategy_id="EMA-1", instrument_id="SATS/USDT.OKX",
        account_id="OKX-001", opening_order_id="O-1", side="BUY", quantity="1", average_price=1.0, realized="0",
        opened_ns=1,
    )  # fmt: skip
    state = PaperState(
        run="x", account_type=AccountType.CASH, oms_type=OmsType.NETTING, balances=("1 USDT",), positions=(position,)
    )
    cache = Cache()
    with PaperFile(tmp_path, "OKX") as file:
        kept = KeptAccount(venue="OKX", file=file, state=state, former=True)
        waiting = asyncio.create_task(instruments_known(kept, cache, say_after_seconds=0))
        await asyncio.sleep(0)  # its first look
        assert not waiting.done()
        cache.add_instrument(instrument)
        await waiting
    (record,) = caplog.records
    assert "holds SATS/USDT.OKX, which the venue has not loaded" in record.getMessage()
    assert str(file.path) in record.getMessage()
