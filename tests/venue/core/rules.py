"""Pure decisions of the exchange: what is a valid order, what it costs, and when a conditional one fires."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tests.venue.core.model import (
    ZERO,
    Conditional,
    Instrument,
    OrderKind,
    OrderRequest,
    Reason,
    RefusalError,
    SelfTrade,
    Side,
    Status,
    TimeInForce,
)


@dataclass(frozen=True, slots=True)
class VenueRules:
    """Where real venues differ."""

    fok_refused: bool = True
    """A fill-or-kill that cannot fill: refused outright (True) or accepted and expired."""
    post_only_refused: bool = True
    """A post-only that would take: refused outright (True) or accepted and cancelled."""
    unfit_status: Status = Status.CANCELED
    """How an order ends that was accepted only to fail post-only or fill-or-kill."""
    self_trade: SelfTrade = SelfTrade.EXPIRE_MAKER
    conditional_keeps_id: bool = False
    """A fired conditional order keeps its id (spot venues) or becomes a new order (algo services)."""
    conditional_locks: bool = False
    """A waiting spot order locks its funds already."""
    client_id_prefix: str = "web_"
    first_id: int = 1_000_000
    max_open_orders: int = 200


def check_price(instrument: Instrument, price: Decimal | None) -> Decimal:
    if price is None or price <= 0:
        raise RefusalError(Reason.PRICE_MISSING)
    if price > instrument.max_price or price < instrument.tick:
        raise RefusalError(Reason.PRICE_RANGE, f"{price} of at most {instrument.max_price}")
    if price % instrument.tick:
        raise RefusalError(Reason.PRICE_TICK, f"{price} by {instrument.tick}")
    return price


def check_quantity(instrument: Instrument, quantity: Decimal | None) -> Decimal:
    if quantity is None or quantity <= 0:
        raise RefusalError(Reason.QUANTITY_MISSING)
    if quantity > instrument.max_quantity:
        raise RefusalError(Reason.QUANTITY_MAX, f"{quantity} of at most {instrument.max_quantity}")
    if quantity < instrument.min_quantity:
        raise RefusalError(Reason.QUANTITY_MIN, f"{quantity} of at least {instrument.min_quantity}")
    if quantity % instrument.step:
        raise RefusalError(Reason.QUANTITY_STEP, f"{quantity} by {instrument.step}")
    return quantity


def check_notional(instrument: Instrument, quantity: Decimal, price: Decimal) -> None:
    if instrument.notional(quantity, price) < instrument.min_notional:
        raise RefusalError(Reason.MIN_NOTIONAL, f"at least {instrument.min_notional} {instrument.quote}")


def floor_to_step(instrument: Instrument, quantity: Decimal) -> Decimal:
    return quantity - quantity % instrument.step


def check_trigger(request: OrderRequest, last: Decimal | None) -> None:
    """Refuse a conditional order whose trigger lies behind the price already."""
    trigger = request.trigger
    if trigger is None or (trigger.price is None and trigger.callback is None):
        raise RefusalError(Reason.TRIGGER_MISSING)
    if trigger.price is None or last is None:
        return
    if last >= trigger.price if trigger.rises else last <= trigger.price:
        raise RefusalError(Reason.WOULD_TRIGGER, f"trigger {trigger.price}, last {last}")


def advance(conditional: Conditional, price: Decimal) -> bool:
    """Show a waiting conditional order the new price; True when it fires. Trailing ones remember the extreme."""
    trigger = conditional.request.trigger
    if trigger is None:
        return False
    if trigger.callback is None:
        return trigger.price is not None and (price >= trigger.price if trigger.rises else price <= trigger.price)
    if not conditional.active:
        activation = trigger.activation
        conditional.active = activation is None or (price <= activation if trigger.rises else price >= activation)
        if not conditional.active:
            return False
    best = conditional.extreme
    if trigger.rises:
        conditional.extreme = price if best is None else min(best, price)
        return price >= conditional.extreme * (1 + trigger.callback)
    conditional.extreme = price if best is None else max(best, price)
    return price <= conditional.extreme * (1 - trigger.callback)


@dataclass(frozen=True, slots=True)
class Margin:
    """Initial margin of one instrument: what the position holds, and with the open orders on top."""

    position: Decimal = ZERO
    total: Decimal = ZERO


def initial_margin(
    instrument: Instrument, quantity: Decimal, mark: Decimal, *, bids: Decimal, asks: Decimal, leverage: int
) -> Margin:
    """Take the worst of: the position alone, with all bids filled, with all asks filled.

    `bids` and `asks` are the notionals of the open orders that could add to a position.
    """
    held = instrument.notional(quantity, mark)
    worst = max(abs(held), abs(held + bids), abs(held - asks))
    return Margin(abs(held) / leverage, worst / leverage)


def spot_reservation(side: Side, quantity: Decimal, price: Decimal) -> Decimal:
    """Return what a spot order locks: quote for a buy, base for a sell."""
    return quantity * price if side is Side.BUY else quantity


def lock_asset(instrument: Instrument, side: Side) -> str:
    """Return the asset that a spot order of this side locks and pays with."""
    return instrument.quote if side is Side.BUY else instrument.base


def rests(request: OrderRequest) -> bool:
    """Say whether the rest of this order may stay in the book."""
    return request.kind is OrderKind.LIMIT and request.time_in_force in (TimeInForce.GTC, TimeInForce.GTD)


def quantity_for_quote(instrument: Instrument, levels: list[tuple[Decimal, Decimal]], quote: Decimal) -> Decimal:
    """Return how much of the base these levels give for `quote`, in whole steps."""
    quantity = ZERO
    for price, total in levels:
        take = min(total, floor_to_step(instrument, quote / price))
        quantity += take
        quote -= take * price
        if take < total:
            break
    return quantity
