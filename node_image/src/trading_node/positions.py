"""Positions as a fold of fills, and what they add up to over venues.

A position's fold takes fills in one canonical sequence, by venue time and then by trade id, so that whatever order they
arrive in gives the same position. Every step rounds to what the database keeps: a position that goes on from its row
equals one that is folded anew from its first fill.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from trading_node.assets import asset_of, plain_code
from trading_node.book_events import Filled
from trading_node.exact import exact_arithmetic, ratio, rounded

_ZERO, _ONE = Decimal(0), Decimal(1)
FillOrder = tuple[int, int, str, str]


def fill_order(fill: Filled) -> FillOrder:
    """Return where a fill stands among the others: by venue time, then by trade id, numbers as numbers."""
    return fill.ts_event, len(fill.trade_id), fill.trade_id, fill.fill_id


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PositionKey:
    """Whose position it is, where and in what."""

    trader_id: str
    strategy_id: str
    account_id: str
    instrument_id: str
    position_id: str


def position_key(fill: Filled) -> PositionKey:
    """Return the position that a fill belongs to."""
    return PositionKey(
        trader_id=fill.trader_id,
        strategy_id=fill.strategy_id,
        account_id=fill.account_id,
        instrument_id=fill.instrument_id,
        position_id=fill.position_id,
    )


def taken_from_holding(fill: Filled) -> Decimal:
    """Return what a fill's commission took of the holding itself: on spot it may be paid in what is bought or sold."""
    in_base = fill.spot and plain_code(fill.commission_currency) == plain_code(fill.base_currency)
    return fill.commission if in_base else _ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A holding and what it has earned."""

    key: PositionKey
    venue: str
    base_currency: str
    quote_currency: str
    settlement_currency: str
    multiplier: Decimal
    inverse: bool
    quantity: Decimal = _ZERO
    """Signed, in the venue's units: negative is short."""
    average_price: Decimal | None = None
    """Entry price of what is open; None when flat. Of an inverse contract the harmonic mean, as its venues count."""
    realized_profit: Decimal = _ZERO
    """In the settlement currency, after commissions that were paid in it or taken from the holding itself.

    Those count at the entry price of what was held: then this, and what the rest is worth above its entry price, are
    together the cash and the holding that there are.
    """
    commissions: Mapping[str, Decimal]
    """All that was paid, per currency."""
    bought: Decimal = _ZERO
    sold: Decimal = _ZERO
    fill_count: int = 0
    ts_opened: int
    """When it last left zero."""
    ts_last: int
    last_fill: FillOrder
    """The newest fill that is contained; an older one that comes late means folding anew."""

    @property
    def is_open(self) -> bool:
        """Whether anything is held."""
        return self.quantity != 0


def apply_fill(position: Position | None, fill: Filled) -> Position:
    """Return the position after one more fill.

    Raises ValueError when the fill is not the next one: fold all of the position's fills anew then.
    """
    if position is None:
        position = _flat(fill)
    elif position.key != position_key(fill) or fill_order(fill) <= position.last_fill:
        raise ValueError(f"fill {fill.fill_id} does not come next in position {position.key}")
    with exact_arithmetic():
        return _next(position, fill)


def fold_position(fills: Iterable[Filled]) -> Position | None:
    """Return the position that the fills make, in whatever order they come; None without fills."""
    position: Position | None = None
    for fill in sorted({fill.fill_id: fill for fill in fills}.values(), key=fill_order):
        position = apply_fill(position, fill)
    return position


def _flat(fill: Filled) -> Position:
    return Position(
        key=position_key(fill),
        venue=fill.venue,
        base_currency=fill.base_currency,
        quote_currency=fill.quote_currency,
        settlement_currency=fill.settlement_currency,
        multiplier=fill.multiplier,
        inverse=fill.inverse,
        commissions={},
        ts_opened=fill.ts_event,
        ts_last=fill.ts_event,
        last_fill=(0, 0, "", ""),
    )


def _next(position: Position, fill: Filled) -> Position:
    change = fill.quantity * fill.side.sign
    taken = taken_from_holding(fill)
    before = position.quantity
    closed = _closed_quantity(before, change)
    profit = _profit(position, closed, fill.price)
    if not taken and plain_code(fill.commission_currency) == plain_code(position.settlement_currency):
        profit -= fill.commission
    after = before + change
    average = _average_price(position, change, after, fill.price)
    held = after - taken
    profit -= taken * position.multiplier * average
    opened_anew = held != 0 and (before == 0 or (before > 0) != (held > 0))
    return replace(
        position,
        quantity=held,
        average_price=average if held else None,
        realized_profit=rounded(position.realized_profit + profit),
        commissions=_with_commission(position.commissions, fill),
        bought=position.bought + (fill.quantity if change > 0 else _ZERO),
        sold=position.sold + (fill.quantity if change < 0 else _ZERO),
        fill_count=position.fill_count + 1,
        ts_opened=fill.ts_event if opened_anew else position.ts_opened,
        ts_last=fill.ts_event,
        last_fill=fill_order(fill),
    )


def _closed_quantity(before: Decimal, change: Decimal) -> Decimal:
    """Return how much of what is open the change closes, with the sign of what was open."""
    if before * change >= 0:
        return _ZERO
    size = min(abs(before), abs(change))
    return size if before > 0 else -size


def _profit(position: Position, closed: Decimal, price: Decimal) -> Decimal:
    if not closed or position.average_price is None:
        return _ZERO
    return profit(closed, position.average_price, price, position.multiplier, inverse=position.inverse)


def _average_price(position: Position, change: Decimal, after: Decimal, price: Decimal) -> Decimal:
    before, average = position.quantity, position.average_price
    if average is None or before * after <= 0:
        return rounded(price)
    if before * change < 0:
        return average
    if position.inverse:
        return ratio(after * average * price, before * price + change * average)
    return ratio(before * average + change * price, after)


def _with_commission(commissions: Mapping[str, Decimal], fill: Filled) -> Mapping[str, Decimal]:
    if not fill.commission:
        return commissions
    paid = commissions.get(fill.commission_currency, _ZERO) + fill.commission
    return dict(sorted({**commissions, fill.commission_currency: paid}.items()))


def profit(quantity: Decimal, entry: Decimal, now: Decimal, multiplier: Decimal, *, inverse: bool) -> Decimal:
    """Return what a signed quantity has earned between two prices, in the settlement currency."""
    with exact_arithmetic():
        if not inverse:
            return rounded(quantity * multiplier * (now - entry))
        # An inverse contract is worth a fixed sum of quote currency: its gain is coins, the difference of reciprocals.
        return ratio(quantity * multiplier * (now - entry), entry * now) if entry and now else _ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What several positions add up to, money in one reporting currency."""

    group: str
    quantity: Decimal
    """Net, in base units, signed."""
    long_quantity: Decimal
    short_quantity: Decimal
    average_price: Decimal | None
    """Price at which the net quantity breaks even, in the reporting currency; None when the net is zero."""
    realized_profit: Decimal
    unrealized_profit: Decimal
    gross_notional: Decimal
    net_notional: Decimal
    venues: tuple[str, ...]
    """Where something is held, or has been."""
    unpriced: tuple[str, ...]
    """Instruments whose mark or exchange rate is missing: they are not in the sums."""


Group = tuple[str, Decimal]
"""What a position belongs to, and how many of the group's units one of its own base currency is."""


def by_instrument(position: Position) -> Group:
    """Group by what is held, wherever: TYPE:PAYLOAD without the venue."""
    return position.key.instrument_id.partition(":")[2], _ONE


def by_base_asset(position: Position) -> Group:
    """Group by the asset whose price the position follows, however much of it a venue calls one."""
    return asset_of(position.base_currency)


def aggregate(
    positions: Iterable[Position],
    group: Callable[[Position], Group],
    marks: Mapping[str, Decimal],
    rates: Mapping[str, Decimal],
) -> tuple[Exposure, ...]:
    """Return one exposure a group, in the order of the groups' names.

    `marks` gives a price per canonical instrument id, `rates` the worth of one unit of a currency in the reporting
    currency, which itself has rate 1.
    """
    groups: dict[str, list[tuple[Position, Decimal]]] = {}
    for position in positions:
        name, units = group(position)
        groups.setdefault(name, []).append((position, units))
    with exact_arithmetic():
        return tuple(_exposure(name, groups[name], marks, rates) for name in sorted(groups))


@dataclass(frozen=True, slots=True)
class Valued:
    """One position in base units and in money."""

    quantity: Decimal
    cost: Decimal
    unrealized: Decimal
    notional: Decimal
    """Signed, at the mark."""


def _exposure(
    name: str, positions: Sequence[tuple[Position, Decimal]], marks: Mapping[str, Decimal], rates: Mapping[str, Decimal]
) -> Exposure:
    valued: list[tuple[Valued, Decimal]] = []
    unpriced: set[str] = set()
    realized = _ZERO
    for position, units in positions:
        rate = rates.get(position.settlement_currency)
        if rate is not None:
            realized += position.realized_profit * rate
        value = value_position(position, marks, rates)
        if value is not None:
            valued.append((value, value.quantity * units))
        if rate is None or (value is None and position.is_open):
            unpriced.add(position.key.instrument_id)
    net = sum((quantity for _, quantity in valued), _ZERO)
    return Exposure(
        group=name,
        quantity=rounded(net),
        long_quantity=rounded(sum((quantity for _, quantity in valued if quantity > 0), _ZERO)),
        short_quantity=rounded(-sum((quantity for _, quantity in valued if quantity < 0), _ZERO)),
        average_price=ratio(sum((v.cost for v, _ in valued), _ZERO), net) if net else None,
        realized_profit=rounded(realized),
        unrealized_profit=rounded(sum((v.unrealized for v, _ in valued), _ZERO)),
        gross_notional=rounded(sum((abs(v.notional) for v, _ in valued), _ZERO)),
        net_notional=rounded(sum((v.notional for v, _ in valued), _ZERO)),
        venues=tuple(sorted({position.venue for position, _ in positions})),
        unpriced=tuple(sorted(unpriced)),
    )


def value_position(position: Position, marks: Mapping[str, Decimal], rates: Mapping[str, Decimal]) -> Valued | None:
    """Return what an open position is worth; None for one that is flat, or whose mark or exchange rate is missing."""
    mark = marks.get(position.key.instrument_id)
    quote_rate = rates.get(position.quote_currency)
    settlement_rate = rates.get(position.settlement_currency)
    average = position.average_price
    if average is None or mark is None or quote_rate is None or settlement_rate is None:
        return None
    if position.inverse and mark <= 0:
        return None
    size = position.quantity * position.multiplier
    # What an inverse contract holds in coins depends on the price: at the entry for the cost, at the mark for the rest.
    quantity = ratio(size, mark) if position.inverse else size
    earned = profit(position.quantity, average, mark, position.multiplier, inverse=position.inverse) * settlement_rate
    notional = (size if position.inverse else size * mark) * quote_rate
    return Valued(quantity=quantity, cost=notional - earned, unrealized=earned, notional=notional)
