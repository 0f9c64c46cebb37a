"""On Binance's futures the stream tells the whole wallet as free after each fill; the gate knows better.

python -m tests.node.gate.live_balance FOLDER, in a process of its own: once a backtest has run in a process, Nautilus
reckons the accounts of the venues that it was on for itself, also the real ones.
"""

import asyncio
import sys
from decimal import Decimal
from pathlib import Path

from nautilus_trader.model.enums import OrderSide, OrderStatus

from tests.node.reconciliation.desk import Desk, life
from tests.venue.nautilus_node import until
from tests.venue.venue import Venue, VenueConfig
from trading_api.risk import RiskLimits
from trading_node.risk.limits import compile_limits


def free_by_the_venue(desk: Desk) -> Decimal:
    (account,) = desk.cache.accounts()
    return Decimal(str(account.balance_free(desk.instrument.quote_currency).as_decimal()))


def wallet_of(desk: Desk) -> Decimal:
    (account,) = desk.cache.accounts()
    return Decimal(str(account.balance_total(desk.instrument.quote_currency).as_decimal()))


def quoted(venue: Venue, desk: Desk) -> bool:
    """Whether the node has a quote; moves the market until its subscription has come to the venue."""
    venue.futures.set_price("BTCUSDT", Decimal("50000.1"))
    venue.futures.set_price("BTCUSDT", Decimal(50000))
    return desk.cache.quote_tick(desk.instrument.id) is not None


async def use_it_twice(folder: Path) -> None:
    """Send an order whose margin fits the wallet, but not what a position and a resting order leave of it."""
    async with Venue(VenueConfig(seed=7)) as venue, life(venue, folder) as desk:
        desk.gate.set_limits(compile_limits(RiskLimits(max_balance_use="1")))
        desk.probe.subscribe_quote_ticks(desk.instrument.id)
        await until(lambda: quoted(venue, desk), "there is a price")
        before = wallet_of(desk)
        bought = desk.probe.order_factory.market(desk.instrument.id, OrderSide.BUY, desk.quantity("1.800"))
        desk.probe.submit_order(bought)
        await until(lambda: bought.is_closed, "filled")
        # Once the fee is off, the stream has told of the fill: only then is its wallet the one to compare with.
        await until(lambda: free_by_the_venue(desk) == wallet_of(desk) < before, "the stream says that all is free")
        wallet = wallet_of(desk)
        resting = desk.rest("1.000")
        await until(lambda: resting.is_open, "rests")
        margin = desk.gate.book.markets[desk.instrument.id.value].contract.margin
        quantity = (wallet - 1000) / (49000 * margin)
        refused = desk.rest(f"{quantity:.3f}")
        await until(lambda: refused.is_closed, "refused")
        assert refused.status == OrderStatus.DENIED
        reason, left = refused.last_event.reason.split(", limit ")
        assert reason.startswith("BalanceTooSmall USDT: ")
        await desk.reconciliation.look()
        assert free_by_the_venue(desk) < wallet
        assert abs(free_by_the_venue(desk) - Decimal(left)) < wallet / 500  # what the venue itself reckons


if __name__ == "__main__":
    asyncio.run(use_it_twice(Path(sys.argv[1])))
