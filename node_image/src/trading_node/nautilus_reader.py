"""Asks a venue what it has, through its adapter, and tells "nothing" apart from "no answer".

Nautilus' adapters turn every error into an empty list or None, as if the venue had said that there is nothing. Here
an answer that did not come is an error.
"""

import contextvars
import re
from collections.abc import Awaitable, Callable, Iterable
from decimal import Decimal
from typing import Any, Protocol

import pandas as pd
from nautilus_trader.common.enums import LogLevel
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import (
    GenerateFillReports,
    GenerateOrderStatusReport,
    GenerateOrderStatusReports,
    GeneratePositionStatusReports,
)
from nautilus_trader.execution.reports import FillReport, OrderStatusReport, PositionStatusReport
from nautilus_trader.live.execution_client import LiveExecutionClient
from nautilus_trader.model.enums import AccountType, OrderSide, OrderStatus
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId, VenueOrderId

from trading_node.reconciliation.facts import VenueFill, VenueOrder, VenueStatus

_STATUS = {
    OrderStatus.FILLED: VenueStatus.FILLED,
    OrderStatus.CANCELED: VenueStatus.CANCELED,
    OrderStatus.EXPIRED: VenueStatus.EXPIRED,
    OrderStatus.REJECTED: VenueStatus.REJECTED,
    OrderStatus.DENIED: VenueStatus.REJECTED,
}
_CODED = re.compile(r"\bOKX error (-?\d+)\b")
_UNKNOWN_CODES = frozenset({"51603"})
"""OKX's codes for an order that it does not know; where there is a code, words do not count."""
_UNKNOWN_WORDS = re.compile(
    r"\border[ _:]+(id )?(is |was )?(not[ _]found|does not exist|doesn't exist|not exists?)\b"
    r"|\b(unknown|no such) order\b"
)
"""How other venues say it. That something was not found may be said of a page, an instrument or a host."""
_errors: contextvars.ContextVar[list[BaseException] | None] = contextvars.ContextVar("report_errors", default=None)


class VenueSilentError(Exception):
    """The venue did not answer; says what came instead."""


class UnreadableOrderError(VenueSilentError):
    """The venue told an order that cannot be read: nothing is known of it."""

    def __init__(self, order: str, error: Exception) -> None:
        """order: its client order id, or else the venue's."""
        super().__init__(f"order {order} cannot be read: {describe(error)}")
        self.order = order


class VenueReader(Protocol):
    """What can be asked of one venue; every method raises VenueSilentError."""

    async def open_orders(self, unreadable: list[UnreadableOrderError] | None = None) -> list[VenueOrder]:
        """Return all open orders of the account. What cannot be read goes into a list that is given, or is raised."""

    async def order(
        self, instrument_id: str, client_order_id: str, venue_order_id: str = "", *, conditional: bool = False
    ) -> VenueOrder | None:
        """Return one order, open or closed; None if the venue says that it knows none."""

    async def fills_of(self, order: VenueOrder) -> list[VenueFill]:
        """Return all fills of one order."""

    async def fills_since(self, instrument_id: str, since_ns: int) -> list[VenueFill]:
        """Return the fills of an instrument since a moment by the venue's clock."""

    async def recent_fills(self, instrument_id: str) -> list[VenueFill]:
        """Return as many of the newest fills of an instrument as one answer holds."""

    async def positions(self) -> dict[str, Decimal] | None:
        """Return the signed open quantities by instrument; None where the venue keeps no positions."""

    async def entry_prices(self) -> dict[str, Decimal]:
        """Return the average entry prices of open positions by instrument, of those where the venue tells them."""

    def position_id(self, instrument_id: str) -> str:
        """Return the id that the venue's fills name an instrument's position by; empty where they name none."""

    async def refresh_account(self) -> None:
        """Have the balances taken as the venue has them."""


class ReportReader:
    """Any adapter, by its report methods."""

    def __init__(self, client: LiveExecutionClient) -> None:
        """Take a client; from now on it also tells its errors here."""
        self._client: Any = client
        hear_errors(client)

    async def open_orders(self, unreadable: list[UnreadableOrderError] | None = None) -> list[VenueOrder]:
        """Return all open orders of the account; an adapter reads all of them or none."""
        del unreadable
        return [venue_order(report) for report in await self._orders(None, open_only=True) if report.is_open]

    async def order(
        self, instrument_id: str, client_order_id: str, venue_order_id: str = "", *, conditional: bool = False
    ) -> VenueOrder | None:
        """Return one order; conditional makes no difference here."""
        del conditional
        instrument = InstrumentId.from_str(instrument_id)
        command = GenerateOrderStatusReport(
            instrument_id=instrument,
            client_order_id=ClientOrderId(client_order_id) if client_order_id else None,
            venue_order_id=VenueOrderId(venue_order_id) if venue_order_id else None,
            command_id=UUID4(),
            ts_init=self._now(),
        )
        report = await answered(lambda: self._client.generate_order_status_report(command), missing_is_answer=True)
        if report is not None:
            return venue_order(report)
        # Some adapters do not look up single orders, or only among the open ones.
        for each in await self._orders(instrument, open_only=False):
            if (client_order_id and _text(each.client_order_id) == client_order_id) or (
                venue_order_id and _text(each.venue_order_id) == venue_order_id
            ):
                return venue_order(each)
        return None

    async def fills_of(self, order: VenueOrder) -> list[VenueFill]:
        """Return all fills of one order."""
        found = await self._fills(order.instrument_id, order.venue_order_id, None)
        return [fill for fill in found if fill.venue_order_id == order.venue_order_id]

    async def fills_since(self, instrument_id: str, since_ns: int) -> list[VenueFill]:
        """Return the fills of an instrument since a moment."""
        return await self._fills(instrument_id, "", since_ns)

    async def recent_fills(self, instrument_id: str) -> list[VenueFill]:
        """Return the newest fills of an instrument."""
        return await self._fills(instrument_id, "", None)

    async def positions(self) -> dict[str, Decimal] | None:
        """Return the open quantities; None of a cash account."""
        if self._client.account_type == AccountType.CASH:
            return None
        return quantities(await self._positions())

    async def entry_prices(self) -> dict[str, Decimal]:
        """Return the average entry prices of open positions; of a cash account none."""
        return {} if self._client.account_type == AccountType.CASH else entries(await self._positions())

    def position_id(self, instrument_id: str) -> str:
        """Return nothing: the engine makes an id of instrument and strategy."""
        del instrument_id
        return ""

    async def _positions(self) -> list[PositionStatusReport]:
        command = GeneratePositionStatusReports(
            instrument_id=None,
            start=None,
            end=None,
            command_id=UUID4(),
            ts_init=self._now(),
            log_receipt_level=LogLevel.DEBUG,
        )
        reports: list[PositionStatusReport] = await answered(
            lambda: self._client.generate_position_status_reports(command)
        )
        return reports

    async def refresh_account(self) -> None:
        """Have the balances taken as the venue has them."""
        await answered(lambda: self._client._query_account(None))  # noqa: SLF001  # all adapters have it

    async def _orders(self, instrument: InstrumentId | None, *, open_only: bool) -> list[OrderStatusReport]:
        command = GenerateOrderStatusReports(
            instrument_id=instrument,
            start=None,
            end=None,
            open_only=open_only,
            command_id=UUID4(),
            ts_init=self._now(),
            log_receipt_level=LogLevel.DEBUG,
        )
        reports: list[OrderStatusReport] = await answered(lambda: self._client.generate_order_status_reports(command))
        return reports

    async def _fills(self, instrument_id: str, venue_order_id: str, since_ns: int | None) -> list[VenueFill]:
        command = GenerateFillReports(
            instrument_id=InstrumentId.from_str(instrument_id),
            venue_order_id=VenueOrderId(venue_order_id) if venue_order_id else None,
            start=None if since_ns is None else pd.Timestamp(since_ns, tz="UTC"),
            end=None,
            command_id=UUID4(),
            ts_init=self._now(),
        )
        return [venue_fill(report) for report in await answered(lambda: self._client.generate_fill_reports(command))]

    def _now(self) -> int:
        return int(self._client._clock.timestamp_ns())  # noqa: SLF001


def hear_errors(client: LiveExecutionClient) -> None:
    """Have a client tell the errors that its report methods swallow."""
    original = client._log_report_error  # noqa: SLF001

    def heard(error: BaseException, report_type: str) -> None:
        errors = _errors.get()
        if errors is not None:
            errors.append(error)
        original(error, report_type)

    client._log_report_error = heard  # noqa: SLF001


async def answered(ask: Callable[[], Awaitable[Any]], *, missing_is_answer: bool = False) -> Any:  # noqa: ANN401
    """Return an answer. Raises VenueSilentError where the adapter hid an error behind an empty one.

    missing_is_answer: an error that says that there is no such order is an answer.
    """
    errors: list[BaseException] = []
    token = _errors.set(errors)
    try:
        result = await ask()
    except Exception as error:
        if missing_is_answer and says_missing(error):
            return None
        raise VenueSilentError(describe(error)) from error
    finally:
        _errors.reset(token)
    serious = [error for error in errors if not (missing_is_answer and says_missing(error))]
    if serious:
        raise VenueSilentError(describe(serious[0])) from serious[0]
    return result


def describe(error: BaseException) -> str:
    """Return an error in one short line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def says_missing(error: BaseException) -> bool:
    """Return whether an error is a venue's word that there is no such order, for which one may be cancelled here."""
    text = " ".join(str(error).split())
    coded = _CODED.search(text)
    if coded is not None:
        return coded.group(1) in _UNKNOWN_CODES
    return _UNKNOWN_WORDS.search(text.lower()) is not None


def venue_order(report: OrderStatusReport) -> VenueOrder:
    """Return an adapter's report as the comparison takes it."""
    return VenueOrder(
        instrument_id=report.instrument_id.value,
        venue_order_id=_text(report.venue_order_id),
        client_order_id=_text(report.client_order_id),
        status=_STATUS.get(report.order_status, VenueStatus.OPEN),
        quantity=report.quantity.as_decimal(),
        filled=report.filled_qty.as_decimal(),
        price=_positive(report.price),
        trigger_price=_positive(report.trigger_price),
        triggered=report.order_status == OrderStatus.TRIGGERED or report.ts_triggered > 0,
        reason=report.cancel_reason or "",
        report=report,
    )


def venue_fill(report: FillReport) -> VenueFill:
    """Return an adapter's report as the comparison takes it."""
    return VenueFill(
        instrument_id=report.instrument_id.value,
        venue_order_id=_text(report.venue_order_id),
        client_order_id=_text(report.client_order_id),
        trade_id=report.trade_id.value,
        buy=report.order_side == OrderSide.BUY,
        quantity=report.last_qty.as_decimal(),
        price=report.last_px.as_decimal(),
        ts_event=report.ts_event,
        report=report,
    )


def quantities(reports: Iterable[PositionStatusReport]) -> dict[str, Decimal]:
    """Return signed quantities by instrument: long and short ones of a hedged account are added up."""
    found: dict[str, Decimal] = {}
    for report in reports:
        key = report.instrument_id.value
        found[key] = found.get(key, Decimal(0)) + report.signed_decimal_qty
    return {key: quantity for key, quantity in found.items() if quantity}


def entries(reports: Iterable[PositionStatusReport]) -> dict[str, Decimal]:
    """Return average entry prices by instrument."""
    return {report.instrument_id.value: report.avg_px_open for report in reports if report.avg_px_open}


def _positive(value: Any) -> Decimal | None:  # noqa: ANN401  # a price or None
    """Return a price; None for the zero that adapters give for none."""
    amount = None if value is None else value.as_decimal()
    return amount if amount else None


def _text(value: object) -> str:
    return "" if value is None else str(value)
