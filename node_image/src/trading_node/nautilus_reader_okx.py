"""Asks OKX also for trigger orders, which its adapter leaves out of what is open and seldom finds by their names."""

from collections.abc import Awaitable, Callable
from typing import Any

from nautilus_trader.adapters.okx.execution import OKXExecutionClient, _supports_algo_orders
from nautilus_trader.core import nautilus_pyo3
from nautilus_trader.execution.reports import OrderStatusReport

from trading_node.nautilus_reader import ReportReader, UnreadableOrderError, answered, venue_order
from trading_node.reconciliation.facts import VenueOrder, VenueStatus


class OkxReader(ReportReader):
    """Any account of OKX."""

    def __init__(self, client: OKXExecutionClient) -> None:
        """Take a client that is connected."""
        super().__init__(client)
        self._http: Any = client._http_client  # noqa: SLF001

    async def open_orders(self, unreadable: list[UnreadableOrderError] | None = None) -> list[VenueOrder]:
        """Return all open orders, trigger orders included."""
        found = await super().open_orders(unreadable)
        for kind in self._client._config.instrument_types:  # noqa: SLF001
            if _supports_algo_orders(kind):
                found += await self._triggers(
                    lambda kind=kind: self._http.request_algo_order_status_reports(  # type: ignore[misc]
                        account_id=self._client.pyo3_account_id, instrument_type=kind
                    )
                )
        return found

    async def order(
        self, instrument_id: str, client_order_id: str, venue_order_id: str = "", *, conditional: bool = False
    ) -> VenueOrder | None:
        """Return one order; one that fired is a plain order, one that waits or was cancelled is asked for by itself."""
        found = await super().order(instrument_id, client_order_id, venue_order_id, conditional=conditional)
        if found is not None or not conditional or not client_order_id:
            return found
        asked = {
            "account_id": self._client.pyo3_account_id,
            "instrument_id": nautilus_pyo3.InstrumentId.from_str(instrument_id),
            "client_order_id": nautilus_pyo3.ClientOrderId(client_order_id),
        }
        answer = await answered(lambda: self._http.request_algo_order_status_report(**asked), missing_is_answer=True)
        return None if answer is None else self._trigger(answer)

    async def _triggers(self, ask: Callable[[], Awaitable[Any]]) -> list[VenueOrder]:
        orders = [self._trigger(report) for report in await answered(ask)]
        return [order for order in orders if order.status is VenueStatus.OPEN]

    def _trigger(self, report: Any) -> VenueOrder:  # noqa: ANN401  # a report of the Rust client
        known = OrderStatusReport.from_pyo3(self._client._hydrate_zero_quantity_algo_report(report))  # noqa: SLF001
        self._client._apply_client_order_alias(known)  # noqa: SLF001
        if known.is_open and known.client_order_id is not None:
            # The adapter cancels by OKX's id for it, which it knows of those alone that it sent in this life.
            self._client._algo_order_ids.setdefault(known.client_order_id, known.venue_order_id.value)  # noqa: SLF001
            self._client._algo_order_instruments.setdefault(known.client_order_id, known.instrument_id)  # noqa: SLF001
        return venue_order(known)
