"""The whole venue: rooms, accounts, a background market, faults. The object that tests hold."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from tests.venue.accounts import Credentials, KeyRing
from tests.venue.background import FLOW, Background
from tests.venue.binance.futures_room import FuturesRoom
from tests.venue.binance.spot_room import SpotRoom
from tests.venue.core.exchange import Exchange
from tests.venue.core.model import Fill, Order, OrderRequest, Side
from tests.venue.faults import Fault, FaultPlan
from tests.venue.floor import Floor
from tests.venue.listings import BINANCE_FUTURES, BINANCE_SPOT, OKX, Listing
from tests.venue.okx.room import OkxRoom
from tests.venue.protocol import Room
from tests.venue.server import RoomServer

_log = logging.getLogger(__name__)

type Mode = Literal["off", "still", "random"]


@dataclass(frozen=True)
class VenueConfig:
    """How a venue starts. `market`: no quotes, quotes that stand still, or a market that wanders by itself."""

    seed: int = 1
    accounts: tuple[str, ...] = ("desk-a", "desk-b")
    market: Mode = "still"
    step_ms: int = 200
    trades: Mapping[str, Path] = field(default_factory=dict)
    """Symbols that follow a file of trades instead of wandering."""
    rate_limits: bool = True
    """Enforce the venues' own request and order limits (of one address, so of all clients together)."""
    host: str = "127.0.0.1"
    """Address to listen on: loopback, or one of a network that only tests use."""
    port: int = 0
    """The control API's port; the rooms take the ones after it (0: any free ones)."""


class Market:
    """One room with its exchange and its market: what a test acts on. Actions are told to clients at once."""

    def __init__(self, server: RoomServer, backgrounds: dict[str, Background]) -> None:
        self.server = server
        self.backgrounds = backgrounds
        self.purse: Mapping[str, Decimal] = {}

    @property
    def exchange(self) -> Exchange:
        return self.server.floor.exchange

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def ws_url(self) -> str:
        return self.server.ws_url

    def place(self, request: OrderRequest) -> Order:
        order = self.exchange.place(request, self.server.now())
        self.server.commit()
        return order

    def cancel(self, account: str, order_id: int) -> Order:
        order = self.exchange.cancel(account, order_id, self.server.now())
        self.server.commit()
        return order

    def fill(self, order_id: int, quantity: Decimal | None = None) -> Fill:
        """Fill a resting order at its price, wholly or in part, against the background market."""
        amount = self.exchange.orders[order_id].remaining if quantity is None else quantity
        fill = self.exchange.cross(order_id, amount, FLOW, self.server.now())
        self.server.commit()
        return fill

    def deposit(self, account: str, asset: str, amount: Decimal) -> None:
        """Bring money in, or with a negative amount take it out."""
        self.exchange.deposit(account, asset, amount, self.server.now())
        self.server.commit()

    def set_price(self, symbol: str, price: Decimal) -> None:
        """Move the market there, through whatever rests in between."""
        self.backgrounds[symbol].set_price(price, self.server.now())
        self.server.commit()

    def take(self, symbol: str, side: Side, quantity: Decimal) -> None:
        """Let the background market trade against what lies in the book."""
        self.backgrounds[symbol].take(side, quantity, self.server.now())
        self.server.commit()

    def step(self, times: int = 1) -> None:
        """Let the background market act."""
        for _ in range(times):
            for background in self.backgrounds.values():
                background.step(self.server.now())
            self.server.commit()


class Venue:
    """Use as `async with Venue(VenueConfig(seed=7)) as venue`; everything it started ends with the block."""

    def __init__(self, config: VenueConfig | None = None) -> None:
        self.config = config or VenueConfig()
        self.keys = KeyRing(self.config.seed)
        self.faults = FaultPlan()
        self.futures = self._open(BINANCE_FUTURES, FuturesRoom)
        self.spot = self._open(BINANCE_SPOT, SpotRoom)
        self.okx = self._open(OKX, OkxRoom)
        self.markets = {market.server.room.name: market for market in (self.spot, self.futures, self.okx)}
        known = {symbol for market in self.markets.values() for symbol in market.backgrounds}
        if unknown := sorted(self.config.trades.keys() - known):
            raise ValueError(f"no room trades {', '.join(unknown)}: write one of {', '.join(sorted(known))}")
        self.market_runs = True
        """Whether a market that moves by itself does so at present."""
        self._stepper: asyncio.Task[None] | None = None

    def _open(self, listing: Listing, room: Callable[[Floor, KeyRing, bool], Room]) -> Market:
        exchange = Exchange(listing.instruments(), listing.rules)
        floor = Floor(exchange)
        server = RoomServer(room(floor, self.keys, self.config.rate_limits), floor, self.faults, self.config.host)
        now = server.now()
        backgrounds = {}
        for instrument, behaviour in listing.markets:
            background = Background(exchange, instrument, behaviour, self.config.seed)
            background.open_accounts(now)
            if instrument.symbol in self.config.trades:
                background.replay(self.config.trades[instrument.symbol])
            if self.config.market != "off":
                background.quote(now)
            backgrounds[instrument.symbol] = background
        market = Market(server, backgrounds)
        for account in self.config.accounts:
            self._fund(market, listing.purse, account)
        floor.settle(now)
        return market

    def _fund(self, market: Market, purse: Mapping[str, Decimal], account: str) -> None:
        self.keys.issue(account)
        market.purse = purse
        market.exchange.open_account(account)
        for asset, amount in purse.items():
            market.exchange.deposit(account, asset, amount, market.server.now())
            market.server.commit()

    def open_account(self, account: str) -> Credentials:
        """Open an account in every room, with the usual purse; an existing one is left as it is."""
        if all(known.account != account for known in self.keys.all()):
            for market in self.markets.values():
                self._fund(market, market.purse, account)
        return self.keys.credentials(account)

    def credentials(self, account: str = "desk-a") -> Credentials:
        return self.keys.credentials(account)

    def break_with(self, fault: Fault) -> int:
        """Put a fault in force; returns its id for `faults.remove`."""
        return self.faults.add(fault)

    async def start(self) -> None:
        port = self.config.port
        for number, market in enumerate(self.markets.values(), start=1):
            await market.server.start(port + number if port else 0)
        if self.config.market == "random" or self.config.trades:
            self._stepper = asyncio.create_task(self._step())

    async def stop(self) -> None:
        if self._stepper is not None:
            self._stepper.cancel()
            await asyncio.gather(self._stepper, return_exceptions=True)
        for market in self.markets.values():
            await market.server.stop()

    async def _step(self) -> None:
        while True:
            await asyncio.sleep(self.config.step_ms / 1_000)
            if self.market_runs:
                try:
                    for market in self.markets.values():
                        market.step()
                except ValueError as error:
                    _log.error("the markets stand still from now on: %s", error)
                    raise

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
