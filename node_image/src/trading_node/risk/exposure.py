"""Checks of what an order would add to: position, exposure, use of the balance, a day's loss."""

from decimal import Decimal

from trading_node.risk.book import GateBook
from trading_node.risk.decision import Deny, Reason
from trading_node.risk.holdings import Holding, Market
from trading_node.risk.orders import ONE, ZERO, OrderIntent
from trading_node.risk.plan import Plan
from trading_node.risk.prices import worst_price


def check_position(order: OrderIntent, holding: Holding, plan: Plan, book: GateBook, now_ns: int) -> Deny | None:
    """Refuse what could make the position in an instrument too large if every pending order on its side filled."""
    del book, now_ns
    own, market = plan.own, holding.market
    if holding.reduces or order.reduce_only or len(market.holdings) > 1:
        position = _reach(order, market)
    elif order.buy:  # As almost always: the same, in two steps.
        position = holding.opening_buys + order.quantity + holding.position
    else:
        position = holding.opening_sells + order.quantity - holding.position
    if order.reduce_only and position <= ZERO:
        return None
    if own.position is not None and position > own.position:
        return Deny(Reason.POSITION_TOO_LARGE, order.contract.instrument_id, own.position, position)
    most = own.position_notional
    if most is None:
        return None
    known = market.unit
    if known is not None or position > ZERO:
        unit = _unit(order, market) if known is None else known
        if isinstance(unit, Deny):
            return unit
        notional = position * unit
        if notional > most:
            return Deny(Reason.POSITION_NOTIONAL_TOO_LARGE, order.contract.instrument_id, most, notional)
    return None


def _reach(order: OrderIntent, market: Market) -> Decimal:
    """Return the position on an order's side if it and every pending order there filled, reduce-only ones first.

    The venue fills a reduce-only order no further than to zero, so it makes no position. But it leaves less to reduce
    for orders that may open, so that these open more.
    """
    buy, quantity = order.buy, order.quantity
    held = opening = reducing = ZERO
    for each in market.holdings:
        held += each.position
        opening += each.opening_buys if buy else each.opening_sells
        if each.reduces:
            reducing += each.buys - each.opening_buys if buy else each.sells - each.opening_sells
    if order.reduce_only:
        reducing += quantity
    else:
        opening += quantity
    held = -held if buy else held
    return opening - held + min(reducing, held) if reducing and held > ZERO else opening - held


def check_exposure(order: OrderIntent, holding: Holding, plan: Plan, book: GateBook, now_ns: int) -> Deny | None:
    """Refuse what could make the exposure of the node, the strategy or the venue too large."""
    del now_ns
    quantity = order.quantity
    if order.reduce_only:
        left = (-holding.position if order.buy else holding.position) - holding.reduced(buy=order.buy)
        if left <= ZERO:
            return None
        quantity = min(quantity, left)
    if book.valuation.unvalued:
        refusal = _deny_unvalued(book, holding)
        if refusal is not None:
            return refusal
    unit = holding.market.unit
    if unit is None:
        found = _unit(order, holding.market)
        if isinstance(found, Deny):
            return found
        unit = found
        most, least = holding.worst()
        long, short = most * unit, least * unit
    else:
        long, short = holding.long, holding.short  # Valued at this unit, as all totals are.
    worth = quantity * unit
    growth = worth if holding.apart else (long + worth if order.buy else worth - short) - holding.gross
    for limits, totals in plan.exposures:
        if limits.gross is not None and growth > ZERO and (gross := totals.gross + growth) > limits.gross:
            return Deny(Reason.GROSS_NOTIONAL_TOO_LARGE, limits.scope, limits.gross, gross)
        if limits.net is not None and (net := (totals.long if order.buy else -totals.short) + worth) > limits.net:
            return Deny(Reason.NET_NOTIONAL_TOO_LARGE, limits.scope, limits.net, net)
    return None


def check_balance(order: OrderIntent, holding: Holding, plan: Plan, book: GateBook, now_ns: int) -> Deny | None:
    """Refuse what the account's free balance does not cover; orders that the venue has not seen yet are counted.

    Where positions take margin, free is no more than what positions and orders leave of the whole, whatever the venue
    says: its word may be older than the last fill.
    """
    del now_ns
    use = plan.limits.balance_use
    if use is None or (order.reduce_only and not order.contract.cash):
        return None
    need = needed_balance(order, holding.market)
    if need is None:
        return Deny(Reason.NO_REFERENCE_PRICE, order.contract.instrument_id)
    currency, amount = need
    account = order.contract.account
    for pending in book.in_flight.values():
        if pending.intent.contract.account == account:
            other = pending.need
            if other is None:
                other = pending.need = needed_balance(pending.intent, pending.holding.market)
            if other is not None and other[0] == currency:
                amount += other[1]
    free, margins = book.free_balance(account, currency), holding.market.margins
    if margins is not None and (total := book.total_balance(account, currency)) is not None:
        in_flight = amount - need[1]
        free = min(free, total - margins.used() + in_flight)
    free *= use
    return Deny(Reason.BALANCE_TOO_SMALL, currency, free, amount) if amount > free else None


def needed_balance(order: OrderIntent, market: Market) -> tuple[str, Decimal] | None:
    """Return what an order takes from the free balance, by the account's currency; None if its price is not known."""
    contract = order.contract
    if contract.cash and not order.buy:
        return contract.account_base, order.quantity * contract.multiplier
    price = worst_price(order, market)
    if price is None:
        return None
    if order.reduce_only:
        return contract.account_settlement, ZERO
    return contract.account_settlement, abs(contract.settle(order.quantity, price)) * contract.margin


def check_loss(order: OrderIntent, holding: Holding, plan: Plan, book: GateBook, now_ns: int) -> Deny | None:
    """Refuse to go on after a day's loss, or while it is not known."""
    del order, holding, now_ns
    for limits, totals in plan.losses:
        loss = totals.day_start - totals.profit
        if limits.daily_loss is not None and loss >= limits.daily_loss and loss > ZERO:
            return Deny(Reason.DAILY_LOSS, limits.scope, limits.daily_loss, loss)
    for unknown, currency in book.valuation.unknown_profits.items():
        if any(totals is counted for _, totals in plan.losses for counted in unknown.totals):
            instrument_id = unknown.market.contract.instrument_id
            return Deny(Reason.NO_CONVERSION, currency) if currency else Deny(Reason.NO_REFERENCE_PRICE, instrument_id)
    return None


def _deny_unvalued(book: GateBook, holding: Holding) -> Deny | None:
    """Refuse to add to an exposure that is not known."""
    for unknown, currency in book.valuation.unvalued.items():
        if currency:
            return Deny(Reason.NO_CONVERSION, currency)
        if unknown is not holding:  # its own is valued at the order's price
            return Deny(Reason.NO_REFERENCE_PRICE, unknown.market.contract.instrument_id)
    return None


def _unit(order: OrderIntent, market: Market) -> Decimal | Deny:
    """Return what one of an order's quantity is worth at the market's price, in the currency of the limits."""
    if market.unit is not None:
        return market.unit
    if market.rate is None or market.settlement_rate is None:
        return Deny(Reason.NO_CONVERSION, order.contract.currency)
    if order.price is None:
        return Deny(Reason.NO_REFERENCE_PRICE, order.contract.instrument_id)
    return abs(order.contract.notional(ONE, order.price) * market.rate)
