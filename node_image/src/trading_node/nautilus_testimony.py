"""Keeps what Nautilus and its adapters only conclude apart from what the venue said.

An adapter that lost the answer to an order, or got an error of the venue's servers, calls the order rejected while it
may live, be it at once or by its stream, on which Rust adapters tell what answered a request. Nautilus makes fills up
from what is reported of an order or of a position. Here the one becomes an order whose fate is not known, the other a
reason to ask the venue.
"""

import logging
import re
from collections.abc import Callable
from typing import Any

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import MessageBus
from nautilus_trader.live.execution_engine import LiveExecutionEngine
from nautilus_trader.model.events import OrderCancelRejected, OrderFilled, OrderModifyRejected, OrderRejected
from nautilus_trader.model.identifiers import ClientOrderId, Venue

from trading_node.signing import in_submission

PROCESS = "ExecEngine.process"
REPORT = "ExecEngine.reconcile_execution_report"
MASS_STATUS = "ExecEngine.reconcile_execution_mass_status"
_CODE = re.compile(r"""(?:code['"]?\s*[:=]\s*['"]?|OKX error )(-?\d+)""", re.IGNORECASE)
_UNDECIDED = frozenset({-1000, -1001, -1006, -1007, -1008, -1016, 50001, 50004, 50013, 50026, *range(400, 600)})
"""Binance's and OKX's codes for errors after which an order may have been executed, and those of HTTP."""
_PLAIN = re.compile(
    r"order failed\b|order price is not within|order quantity must|your order should meet|insufficient\b"
    r"|market order amount exceeds|parameter \w+|instrument id\b|[st][lp] trigger price|leverage exceeds"
    r"|rate limit reached"
)
_OPEN_ENDED = re.compile(r"try again|later|time[d ]?\s?out|duplicate")
"""Words after which an order may live in spite of them; a duplicate has a first, whose answer may be lost."""
NOT_SENT = "not sent"
"""How our own gate begins the refusal of a request that it held back."""
MADE_UP = "ALGO-"
"""How the trade ids begin that Binance's adapter makes up."""
MAX_HELD = 10_000

_log = logging.getLogger(__name__)


def is_verdict(reason: str) -> bool:
    """Return whether the reason of a rejection that an adapter concluded shows the venue's own refusal."""
    if reason.startswith(NOT_SENT):
        return True
    code = _CODE.search(reason)
    return code is not None and int(code.group(1)) not in _UNDECIDED


def is_plain_refusal(reason: str) -> bool:
    """Return whether the words of a rejection, without any code, are those that a venue refuses an order with.

    They are OKX's; a reason that is not known for sure is none.
    """
    words = reason.strip().lower()
    return _PLAIN.match(words) is not None and _OPEN_ENDED.search(words) is None


def is_made_up(event: OrderFilled) -> bool:
    """Return whether an adapter made a fill of what a finished trigger order sums up to: without trade, without fee."""
    return not event.reconciliation and event.trade_id.value.startswith(MADE_UP)


class Testimony:
    """Stands before the engine's doors for events and reports."""

    def __init__(
        self,
        engine: LiveExecutionEngine,
        bus: MessageBus,
        cache: Cache,
        *,
        is_ours: Callable[[Venue], bool],
        streams_states: Callable[[Venue], bool],
        on_doubt: Callable[[Venue, bool], None],
    ) -> None:
        """Begin.

        is_ours: whether a venue, or the exchange of an instrument, is one that is asked. streams_states: whether its
        adapter's stream tells how orders stand, and never what answered a request. on_doubt: called with the one
        that has to be asked, and whether an order's fate depends on it.
        """
        self._engine = engine
        self._bus = bus
        self._cache = cache
        self._is_ours = is_ours
        self._streams_states = streams_states
        self._on_doubt = on_doubt
        self._forward: Callable[[Any], None] = engine.process
        self._held: dict[ClientOrderId, str] = {}

    def install(self) -> None:
        """Take the engine's place on the bus."""
        engine, bus = self._engine, self._bus
        for endpoint, former, handler in (
            (PROCESS, engine.process, self.on_event),
            (REPORT, engine.reconcile_execution_report, self.on_report),
            (MASS_STATUS, engine.reconcile_execution_mass_status, self.on_report),
        ):
            bus.deregister(endpoint, former)
            bus.register(endpoint, handler)

    def why(self, client_order_id: str) -> str:
        """Return what the adapter concluded of an order, and forget it; empty if it concluded nothing."""
        return self._held.pop(ClientOrderId(client_order_id), "")

    def on_event(self, event: Any) -> None:  # noqa: ANN401  # order events
        """Forward an event; hold back a rejection or a fill that nobody but the adapter speaks of."""
        if type(event) is OrderFilled and is_made_up(event) and self._is_ours(event.instrument_id.venue):
            _log.warning("%s is filled by trades that are not told (%s): the venue is asked",
                         event.client_order_id, event.trade_id)  # fmt: skip
            self._on_doubt(event.instrument_id.venue, True)
            return
        told = isinstance(event, (OrderRejected, OrderCancelRejected, OrderModifyRejected))
        if not told or event.reconciliation or not self._is_ours(event.instrument_id.venue):
            self._forward(event)
            return
        if type(event) is OrderRejected and self._has_ended(event.client_order_id):
            # A strategy that is told a second time would send another order in its place once more.
            if not is_verdict(event.reason or ""):
                self._on_doubt(event.instrument_id.venue, True)
            return
        if type(event) is OrderRejected and not self._is_certain(event):
            _log.warning("%s is not known to be rejected (%s): the venue is asked", event.client_order_id, event.reason)
            while len(self._held) >= MAX_HELD:
                del self._held[next(iter(self._held))]
            self._held[event.client_order_id] = event.reason or ""
            self._on_doubt(event.instrument_id.venue, True)
            return
        self._forward(event)
        if type(event) is not OrderRejected and not is_verdict(event.reason or ""):
            # The order stands as it was, or as was asked for: the strategy goes on, and the venue says which.
            self._on_doubt(event.instrument_id.venue, False)

    def _has_ended(self, client_order_id: ClientOrderId) -> bool:
        order = self._cache.order(client_order_id)
        return order is not None and bool(order.is_closed)

    def _is_certain(self, event: OrderRejected) -> bool:
        """Whether a rejection is the venue's word, and not what the adapter made of an answer or of none."""
        order = self._cache.order(event.client_order_id)
        if order is not None and order.venue_order_id is not None and not order.is_closed:
            return False  # The venue had taken it: an answer that comes after that says nothing of it.
        reason = event.reason or ""
        if in_submission():
            return is_verdict(reason)
        return event.due_post_only or self._streams_states(event.instrument_id.venue) or is_plain_refusal(reason)

    def on_report(self, report: Any) -> bool:  # noqa: ANN401  # one of several reports
        """Take a report as a reason to ask: what it leaves out is not made up."""
        instrument_id = getattr(report, "instrument_id", None)
        venue = report.venue if instrument_id is None else instrument_id.venue
        if venue is not None and self._is_ours(venue):
            self._on_doubt(venue, False)
        return True
