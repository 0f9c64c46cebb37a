"""What /api/positions shows: positions of the books, each and added up over venues, at the newest prices. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from trading_node.assets import asset_of
from trading_node.exact import exact_arithmetic, plain, ratio
from trading_node.instrument_ids import InstrumentIdError
from trading_node.positions import Exposure, Position, aggregate, by_base_asset, by_instrument, value_position
from trading_node.venue_symbols import to_engine

_ONE = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The newest price of an instrument."""

    base: str
    """Currency that it is the price of; empty where that is none."""
    currency: str
    """Currency that it is in."""
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What the node knows of prices now."""

    marks: Mapping[str, Mark]
    """By the engine's name of the instrument."""
    currency: str
    """The currency of the limits."""
    equal: frozenset[str]
    """Currencies that are counted as worth the same as that one."""


def conversion_rates(marks: Iterable[Mark], currency: str, equal: frozenset[str]) -> dict[str, Decimal]:
    """Return what one of each currency is worth in one, as far as prices lead there; over the fewest of them."""
    worth: dict[str, list[tuple[str, Decimal]]] = {}

    def price(base: str, quote: str, price: Decimal) -> None:
        worth.setdefault(quote, []).append((base, price))
        worth.setdefault(base, []).append((quote, ratio(_ONE, price)))

    for mark in marks:
        if mark.base and mark.price > 0:
            price(mark.base, mark.currency, mark.price)
            for code in (mark.base, mark.currency):
                asset, units = asset_of(code)
                if asset != code:
                    price(code, asset, units)
    rates = {currency: _ONE}
    if currency in equal:
        rates |= dict.fromkeys(equal, _ONE)
    reached = list(rates)
    with exact_arithmetic():
        for known in reached:  # grows while it is walked
            for other, worth_of_one in worth.get(known, ()):
                if other not in rates:
                    rates[other] = ratio(worth_of_one * rates[known], _ONE)
                    reached.append(other)
    return rates


def report_currency(positions: Sequence[Position], prices: Prices) -> str:
    """Return the currency to add up in: that of the limits, else what most positions settle in."""
    settled = Counter(position.settlement_currency for position in positions)
    if not settled:
        return prices.currency
    rates = conversion_rates(prices.marks.values(), prices.currency, prices.equal)
    return prices.currency if rates.keys() & settled.keys() else settled.most_common(1)[0][0]


def positions_document(
    positions: Sequence[Position], prices: Prices, *, currency: str = "", complete: bool = True, unwritten: int = 0
) -> dict[str, Any]:
    """Return the document.

    currency: to add up in; empty: see `report_currency`. complete: whether these are all positions that there ever
    were; unwritten: how many events the database has not taken yet.
    """
    currency = currency or report_currency(positions, prices)
    equal = prices.equal if currency in prices.equal else frozenset({currency})
    rates = conversion_rates(prices.marks.values(), currency, equal)
    marks = dict(_marks(positions, prices.marks))
    in_order = sorted(positions, key=lambda position: (position.key.instrument_id, position.key))
    with exact_arithmetic():
        return {
            "currency": currency,
            "complete": complete,
            "unwrittenEvents": unwritten,
            "byBaseAsset": [_sums(each) for each in aggregate(in_order, by_base_asset, marks, rates)],
            "byInstrument": [_sums(each) for each in aggregate(in_order, by_instrument, marks, rates)],
            "positions": [_position(each, marks, rates) for each in in_order if each.is_open],
        }


def _marks(positions: Iterable[Position], known: Mapping[str, Mark]) -> Iterable[tuple[str, Decimal]]:
    for position in positions:
        try:
            mark = known.get(to_engine(position.key.instrument_id, position.venue))
        except InstrumentIdError:
            continue  # Written by a release that knew more instruments.
        if mark is not None:
            yield position.key.instrument_id, mark.price


def _sums(exposure: Exposure) -> dict[str, Any]:
    return {
        "group": exposure.group,
        "venues": list(exposure.venues),
        "quantity": plain(exposure.quantity),
        "longQuantity": plain(exposure.long_quantity),
        "shortQuantity": plain(exposure.short_quantity),
        **_if_known("averagePrice", exposure.average_price),
        "realized": plain(exposure.realized_profit),
        "unrealized": plain(exposure.unrealized_profit),
        "grossNotional": plain(exposure.gross_notional),
        "netNotional": plain(exposure.net_notional),
        "unpriced": list(exposure.unpriced),
    }


def _position(position: Position, marks: Mapping[str, Decimal], rates: Mapping[str, Decimal]) -> dict[str, Any]:
    key, value = position.key, value_position(position, marks, rates)
    return {
        "instrument": key.instrument_id,
        "venue": position.venue,
        "account": key.account_id,
        "strategy": key.strategy_id,
        "positionId": key.position_id,
        "quantity": plain(position.quantity),
        **_if_known("averagePrice", position.average_price),
        **_if_known("mark", marks.get(key.instrument_id)),
        "realized": plain(position.realized_profit),
        "settlementCurrency": position.settlement_currency,
        **_if_known("unrealized", None if value is None else value.unrealized),
        **_if_known("notional", None if value is None else value.notional),
    }


def _if_known(name: str, value: Decimal | None) -> dict[str, str]:
    return {} if value is None else {name: plain(value)}
