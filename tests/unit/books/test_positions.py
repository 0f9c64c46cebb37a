"""The position fold against an oracle that is slow and obvious, and sums over venues."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.books.stories import filled, light, prices, quantities, shuffled_with_repeats, times
from trading_node.assets import asset_of
from trading_node.book_events import Filled, Side
from trading_node.positions import Position, aggregate, apply_fill, by_base_asset, by_instrument, fold_position

CLOSE = Decimal("1e-9")


@st.composite
def fills(draw: st.DrawFn, *, inverse: bool = False) -> list[Filled]:
    made = []
    for number in range(draw(st.integers(1, 8))):
        fill = filled(str(number), str(draw(quantities)), str(draw(prices)), draw(times))
        made.append(replace(fill, side=draw(st.sampled_from([Side.BUY, Side.SELL])), inverse=inverse))
    return made


def oracle(fills: list[Filled]) -> tuple[Fraction, Fraction | None, Fraction]:
    """Quantity, average entry and profit by closing lots one at a time, each lot at the average of all lots."""
    inverse = fills[0].inverse
    lots: list[tuple[Fraction, Fraction]] = []
    profit = Fraction(0)

    def worth(price: Fraction) -> Fraction:
        return -1 / price if inverse else price

    def average() -> Fraction:
        mean = sum((abs(q) * worth(p) for q, p in lots), Fraction(0)) / sum((abs(q) for q, _ in lots), Fraction(0))
        return -1 / mean if inverse else mean

    for fill in sorted(fills, key=lambda f: (f.ts_event, int(f.trade_id))):
        change, price = Fraction(fill.quantity) * fill.side.sign, Fraction(fill.price)
        held = sum((q for q, _ in lots), Fraction(0))
        if held * change < 0:
            closing = min(abs(held), abs(change)) * (1 if held > 0 else -1)
            entry = average()
            profit += closing * (worth(price) - worth(entry))
            lots = [(held - closing, entry)] if held != closing else []
            change += closing
        if change:
            lots.append((change, price))
    return sum((q for q, _ in lots), Fraction(0)), average() if lots else None, profit


@pytest.mark.parametrize("inverse", [False, True])
@light
@given(data=st.data())
def test_positions_equal_the_oracle(data: st.DataObject, inverse: bool) -> None:
    made = data.draw(fills(inverse=inverse))
    position = fold_position(data.draw(shuffled_with_repeats(made)))
    assert position is not None
    quantity, average, profit = oracle(made)
    assert Fraction(position.quantity) == quantity
    assert (position.average_price is None) == (average is None)
    if average is not None and position.average_price is not None:
        assert abs(Fraction(position.average_price) / average - 1) < CLOSE
    scale = max(abs(profit), Fraction(1))
    assert abs(Fraction(position.realized_profit) - profit) / scale < CLOSE


@light
@given(fills())
def test_going_on_equals_folding_anew(made: list[Filled]) -> None:
    in_order = sorted(made, key=lambda f: (f.ts_event, int(f.trade_id)))
    position: Position | None = None
    for count, fill in enumerate(in_order, start=1):
        position = apply_fill(position, fill)
        assert position == fold_position(in_order[:count])


def test_trade_ids_are_numbers_where_they_are() -> None:
    first, second = filled("999", "1", "100"), filled("1000", "1", "110", side=Side.SELL)
    assert fold_position([second, first]) == apply_fill(apply_fill(None, first), second)


def test_a_late_fill_is_refused_where_it_would_be_out_of_order() -> None:
    position = apply_fill(None, filled("2", "1", "100", at=9))
    with pytest.raises(ValueError, match="does not come next"):
        apply_fill(position, filled("1", "1", "100", at=8))


def test_commission_in_the_settlement_currency_comes_off_the_profit() -> None:
    buy = filled("1", "1", "100", 1, commission=Decimal("0.5"), commission_currency="USDT")
    sell = filled("2", "1", "110", 2, side=Side.SELL, commission=Decimal("0.01"), commission_currency="BNB")
    position = fold_position([buy, sell])
    assert position is not None
    assert position.realized_profit == Decimal("9.5")
    assert position.commissions == {"BNB": Decimal("0.01"), "USDT": Decimal("0.5")}
    assert position.quantity == 0
    assert position.average_price is None
    assert not position.is_open


def test_commission_in_what_was_bought_is_taken_from_the_holding() -> None:
    buy = filled("1", "1", "100", commission=Decimal("0.001"), commission_currency="BTC", spot=True)
    position = fold_position([buy])
    assert position is not None
    assert position.quantity == Decimal("0.999")
    assert position.average_price == 100
    assert position.realized_profit == Decimal("-0.1")
    sold = apply_fill(position, filled("2", "0.999", "100", 6, side=Side.SELL, spot=True))
    assert sold.quantity == 0
    assert sold.realized_profit == Decimal("-0.1")  # 100 paid, 99.9 got back


def test_commission_under_another_code_of_what_was_bought() -> None:
    """Kraken's fills say XXBT where its instruments say BTC."""
    buy = filled("1", "1", "100", commission=Decimal("0.001"), commission_currency="XXBT", spot=True)
    sell = filled(
        "2", "0.999", "100", 6, side=Side.SELL, commission=Decimal("0.2"), commission_currency="ZUSD", spot=True
    )
    dollars = {"quote_currency": "USD", "settlement_currency": "USD"}
    position = fold_position([replace(buy, **dollars), replace(sell, **dollars)])
    assert position is not None
    assert (position.quantity, position.realized_profit) == (Decimal(0), Decimal("-0.3"))


def test_commission_in_what_was_bought_by_hand() -> None:
    """Bought 1 at 100 and 1 at 120, each a hundredth less; sold 1.5 at 130, paid for in dollars; 0.48 is left."""
    buys = [
        filled("1", "1", "100", 1, commission=Decimal("0.01"), commission_currency="BTC", spot=True),
        filled("2", "1", "120", 2, commission=Decimal("0.01"), commission_currency="BTC", spot=True),
    ]
    sell = filled(
        "3", "1.5", "130", 3, side=Side.SELL, commission=Decimal("0.2"), commission_currency="USDT", spot=True
    )
    position = fold_position([*buys, sell])
    assert position is not None
    assert position.quantity == Decimal("0.48")
    assert position.average_price is not None
    cash = Decimal(-100 - 120 + 195) - Decimal("0.2")
    entry = Decimal("0.48") * position.average_price
    assert abs(position.realized_profit - (cash + entry)) < CLOSE
    assert abs(position.average_price - (Decimal("0.99") * 100 + 120) / Decimal("1.99")) < CLOSE


@light
@given(fills(), st.lists(st.integers(0, 100), min_size=8, max_size=8), prices)
def test_profit_and_holding_are_the_cash_that_there_is(made: list[Filled], charged: list[int], mark: Decimal) -> None:
    """Whatever commission is taken from what is held, on either side of zero."""
    made = [
        replace(fill, spot=True, commission=Decimal(part).scaleb(-3) * fill.quantity, commission_currency="BTC")
        for fill, part in zip(made, charged, strict=False)
    ]
    position = fold_position(made)
    assert position is not None
    cash = -sum(Fraction(fill.quantity) * fill.side.sign * Fraction(fill.price) for fill in made)
    held = sum(Fraction(fill.quantity) * fill.side.sign - Fraction(fill.commission) for fill in made)
    assert Fraction(position.quantity) == held
    unrealized = held * (Fraction(mark) - Fraction(position.average_price or 0))
    worth = cash + held * Fraction(mark)
    turnover = sum(Fraction(fill.quantity) * max(Fraction(fill.price), Fraction(mark)) for fill in made)
    assert abs(Fraction(position.realized_profit) + unrealized - worth) <= turnover * Fraction(CLOSE)


def test_a_flip_opens_anew_at_the_price_of_the_fill() -> None:
    position = fold_position([filled("1", "1", "100", 1), filled("2", "3", "110", 2, side=Side.SELL)])
    assert position is not None
    assert position.quantity == -2
    assert position.average_price == 110
    assert position.realized_profit == 10
    assert position.ts_opened == 2


def test_sums_over_venues() -> None:
    binance = fold_position([filled("1", "2", "100")])
    okx = fold_position(
        [filled("1", "1", "130", side=Side.SELL, instrument_id="OKX:PERPETUAL:BTC-USDT@LIN", venue="OKX")]
    )
    coin = fold_position(
        [
            filled(
                "1", "1000", "100", instrument_id="DERIBIT:PERPETUAL:BTC-USD@INV", inverse=True,
                quote_currency="USD", settlement_currency="BTC",
            )
        ]
    )  # fmt: skip
    assert binance is not None
    assert okx is not None
    assert coin is not None
    marks = dict.fromkeys((p.key.instrument_id for p in (binance, okx, coin)), Decimal(125))
    rates = {"USDT": Decimal(1), "USD": Decimal(1), "BTC": Decimal(125)}

    (linear,) = aggregate([binance, okx], by_instrument, marks, rates)
    assert linear.group == "PERPETUAL:BTC-USDT@LIN"
    assert [linear.quantity, linear.long_quantity, linear.short_quantity] == [1, 2, 1]
    assert linear.unrealized_profit == 2 * 25 + 5
    assert [linear.gross_notional, linear.net_notional] == [375, 125]
    assert linear.average_price == 70  # two bought at 100, one sold at 130

    (base,) = aggregate([binance, okx, coin], by_base_asset, marks, rates)
    assert base.group == "BTC"
    assert base.quantity == 1 + 1000 / Decimal(125)
    assert base.unrealized_profit == 55 + 2 * 125  # 10 coins' worth of dollars are 8 coins' worth now
    assert base.gross_notional == 1375


def test_a_thousand_of_a_coin_under_one_name_adds_up_with_the_coin() -> None:
    """Nine of 1000SHIB at 0.02 are nine thousand SHIB at 0.00002."""
    future = fold_position([filled("1", "9", "0.02", base_currency="1000SHIB")])
    listed: dict[str, Any] = {"base_currency": "SHIB", "instrument_id": "OKX:SPOT:SHIB-USDT", "venue": "OKX"}
    spot = fold_position([filled("1", "4000", "0.00003", side=Side.SELL, **listed)])
    assert future is not None
    assert spot is not None
    marks = {future.key.instrument_id: Decimal("0.025"), spot.key.instrument_id: Decimal("0.000025")}
    (shib,) = aggregate([future, spot], by_base_asset, marks, {"USDT": Decimal(1)})
    assert (shib.group, shib.venues) == ("SHIB", ("BINANCE", "OKX"))
    assert [shib.quantity, shib.long_quantity, shib.short_quantity] == [5000, 9000, 4000]
    assert shib.average_price == (9 * Decimal("0.02") - 4000 * Decimal("0.00003")) / 5000
    assert shib.unrealized_profit == 9 * Decimal("0.005") + 4000 * Decimal("0.000005")
    assert shib.gross_notional == Decimal("0.225") + Decimal("0.1")


@pytest.mark.parametrize(
    ("code", "asset", "units"),
    [
        ("BTC", "BTC", 1), ("1INCH", "1INCH", 1), ("XBT", "BTC", 1), ("XDG", "DOGE", 1), ("1000SHIB", "SHIB", 1000),
        ("SHIB1000", "SHIB", 1000), ("10000LADYS", "LADYS", 10_000), ("1000000MOG", "MOG", 10**6),
        ("1MBABYDOGE", "BABYDOGE", 10**6), ("kPEPE", "PEPE", 1000), ("KSM", "KSM", 1), ("1000X", "1000X", 1),
        ("AAPL", "AAPL", 1), ("", "", 1), ("XXBT", "BTC", 1), ("ZUSD", "USD", 1), ("XRP", "XRP", 1),
    ],
)  # fmt: skip
def test_assets_behind_codes(code: str, asset: str, units: int) -> None:
    assert asset_of(code) == (asset, Decimal(units))


def test_what_has_no_price_is_named_and_left_out() -> None:
    position = fold_position([filled("1", "2", "100")])
    assert position is not None
    (exposure,) = aggregate([position], by_base_asset, {}, {"USDT": Decimal(1)})
    assert exposure.unpriced == (position.key.instrument_id,)
    assert [exposure.gross_notional, exposure.unrealized_profit, exposure.average_price] == [0, 0, None]
