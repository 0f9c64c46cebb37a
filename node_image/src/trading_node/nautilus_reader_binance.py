"""Asks Binance directly: its adapter asks twice for a symbol, hides errors, and rejects orders that it cannot find."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from typing import Any

from nautilus_trader.adapters.binance.common.enums import BinanceErrorCode
from nautilus_trader.adapters.binance.execution import BinanceCommonExecutionClient
from nautilus_trader.adapters.binance.http.error import BinanceError, get_binance_error_code
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.live.execution_client import LiveExecutionClient
from nautilus_trader.model.enums import AccountType
from nautilus_trader.model.identifiers import InstrumentId

from trading_node.nautilus_reader import (
    ReportReader,
    UnreadableOrderError,
    VenueReader,
    VenueSilentError,
    describe,
    entries,
    quantities,
    venue_fill,
    venue_order,
)
from trading_node.reconciliation.facts import VenueFill, VenueOrder

PAGE = 1_000
"""Trades in one answer."""
_WINDOW_MS = {True: 7 * 86_400_000 - 1, False: 86_400_000 - 1}
"""The longest time that one question may span, on futures and on spot."""
_UNKNOWN = (BinanceErrorCode.NO_SUCH_ORDER,)
PATIENCE_SECONDS = 10.0
"""How long an answer may take."""


class BinanceReader:
    """Spot and futures."""

    def __init__(self, client: BinanceCommonExecutionClient) -> None:
        """Take a client that is connected."""
        self._client: Any = client
        self._http: Any = client._http_account  # noqa: SLF001
        self._futures: bool = client.account_type == AccountType.MARGIN and hasattr(self._http, "query_algo_order")

    async def open_orders(self, unreadable: list[UnreadableOrderError] | None = None) -> list[VenueOrder]:
        """Return all open orders, conditional ones included.

        Those without a quantity are left out: they close a position as a whole, which only a person can have placed,
        and become orders with a quantity when they fire.
        """
        orders = await _answer(lambda: self._http.query_open_orders(None))
        asks = [partial(self._order, each) for each in orders if Decimal(each.origQty or 0) > 0]
        if self._futures:
            algo = await _answer(lambda: self._http.query_open_algo_orders(None))
            # One that has fired is told as a plain order.
            waiting = (each for each in algo if not each.actualOrderId and Decimal(each.quantity or 0) > 0)
            asks += [partial(self._algo_order, each) for each in waiting]
        found: list[VenueOrder] = []
        for read in asks:
            try:
                found.append(read())
            except UnreadableOrderError as error:
                if unreadable is None:
                    raise
                unreadable.append(error)
        return found

    async def order(
        self, instrument_id: str, client_order_id: str, venue_order_id: str = "", *, conditional: bool = False
    ) -> VenueOrder | None:
        """Return one order; a conditional one also by its other name."""
        symbol = InstrumentId.from_str(instrument_id).symbol.value
        found = None
        if client_order_id or not conditional:
            names: dict[str, Any] = (
                {"orig_client_order_id": client_order_id} if client_order_id else {"order_id": int(venue_order_id)}
            )
            found = await _answer(lambda: self._http.query_order(symbol=symbol, **names), none_if_unknown=True)
        if found is not None:
            return self._order(found)
        if not (self._futures and conditional):
            return None
        algo = await _answer(
            lambda: self._http.query_algo_order(
                algo_id=None if client_order_id else int(venue_order_id), client_algo_id=client_order_id or None
            ),
            none_if_unknown=True,
        )
        return None if algo is None else self._algo_order(algo)

    async def fills_of(self, order: VenueOrder) -> list[VenueFill]:
        """Return all fills of one order."""
        symbol = InstrumentId.from_str(order.instrument_id).symbol.value
        number = int(order.venue_order_id)
        trades = await _answer(lambda: self._http.query_user_trades(symbol=symbol, order_id=number, limit=PAGE))
        return [self._fill(each) for each in trades if each.orderId == number]

    async def fills_since(self, instrument_id: str, since_ns: int) -> list[VenueFill]:
        """Return the fills of an instrument since a moment, page by page."""
        symbol = InstrumentId.from_str(instrument_id).symbol.value
        window = _WINDOW_MS[self._futures]
        found: dict[int, VenueFill] = {}
        start, until = since_ns // 1_000_000, time.time_ns() // 1_000_000
        if not self._futures and until - start > window:
            # Day by day, a year is more than may be asked in a minute. Spot's newest page reaches back without limit.
            recent = await self.recent_fills(instrument_id)
            if len(recent) < PAGE or min(fill.ts_event for fill in recent) < since_ns:
                return [fill for fill in recent if fill.ts_event >= since_ns]
        while start <= until:
            begin, end = start, start + window
            trades = await _answer(
                lambda begin=begin, end=end: self._http.query_user_trades(  # type: ignore[misc]
                    symbol=symbol, start_time=begin, end_time=end, limit=PAGE
                )
            )
            found.update({each.id: self._fill(each) for each in trades})
            # A full page may have cut the trades of one millisecond: begin there again.
            newest = max((each.time for each in trades), default=0)
            start = newest if len(trades) >= PAGE and newest > begin else end + 1
        return list(found.values())

    async def recent_fills(self, instrument_id: str) -> list[VenueFill]:
        """Return the newest fills of an instrument."""
        symbol = InstrumentId.from_str(instrument_id).symbol.value
        trades = await _answer(lambda: self._http.query_user_trades(symbol=symbol, limit=PAGE))
        return [self._fill(each) for each in trades]

    async def positions(self) -> dict[str, Decimal] | None:
        """Return the open quantities; spot has none."""
        if not self._futures:
            return None
        return quantities(await _answer(self._client._get_binance_position_status_reports))  # noqa: SLF001

    async def entry_prices(self) -> dict[str, Decimal]:
        """Return the average entry prices of open positions; spot has none."""
        if not self._futures:
            return {}
        return entries(await _answer(self._client._get_binance_position_status_reports))  # noqa: SLF001

    def position_id(self, instrument_id: str) -> str:
        """Return the id of the one position that Binance's client keeps of an instrument; empty on spot."""
        return f"{instrument_id}-BOTH" if self._futures and self._client.use_position_ids else ""

    async def refresh_account(self) -> None:
        """Have the balances taken as the venue has them."""
        await _answer(self._client._update_account_state)  # noqa: SLF001

    def _order(self, order: Any) -> VenueOrder:  # noqa: ANN401  # Binance's own struct
        return self._read(
            order,
            order.clientOrderId or str(order.orderId),
            treat_expired_as_canceled=self._client.treat_expired_as_canceled,
        )

    def _algo_order(self, order: Any) -> VenueOrder:  # noqa: ANN401  # Binance's own struct
        return self._read(order, order.clientAlgoId or str(order.algoId))

    def _read(self, order: Any, name: str, **options: Any) -> VenueOrder:  # noqa: ANN401
        """Read an order as Nautilus does. Raises UnreadableOrderError."""
        try:
            return venue_order(
                order.parse_to_order_status_report(
                    account_id=self._client.account_id,
                    instrument_id=self._client._get_cached_instrument_id(order.symbol),  # noqa: SLF001
                    report_id=UUID4(),
                    enum_parser=self._client._enum_parser,  # noqa: SLF001
                    ts_init=self._now(),
                    **options,
                )
            )
        except Exception as error:
            raise UnreadableOrderError(name, error) from error

    def _fill(self, trade: Any) -> VenueFill:  # noqa: ANN401  # Binance's own struct
        return venue_fill(
            trade.parse_to_fill_report(
                account_id=self._client.account_id,
                instrument_id=self._client._get_cached_instrument_id(trade.symbol),  # noqa: SLF001
                report_id=UUID4(),
                ts_init=self._now(),
                use_position_ids=self._client.use_position_ids,
            )
        )

    def _now(self) -> int:
        return int(self._client._clock.timestamp_ns())  # noqa: SLF001


async def _answer(ask: Callable[[], Awaitable[Any]], *, none_if_unknown: bool = False) -> Any:  # noqa: ANN401
    """Return an answer. Raises VenueSilentError for anything that is none."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await ask()
    except BinanceError as error:
        if none_if_unknown and get_binance_error_code(error) in _UNKNOWN:
            return None
        raise VenueSilentError(describe(error)) from error
    except Exception as error:
        raise VenueSilentError(describe(error)) from error


def reader_of(client: LiveExecutionClient) -> VenueReader:
    """Return what asks a client's venue."""
    if isinstance(client, BinanceCommonExecutionClient):
        return BinanceReader(client)
    if type(client).__module__.startswith("nautilus_trader.adapters.okx."):
        from trading_node.nautilus_reader_okx import OkxReader  # noqa: PLC0415 - a node without OKX does not import it

        return OkxReader(client)
    return ReportReader(client)
