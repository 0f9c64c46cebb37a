"""From what is known of a node to what it reports: pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from trading_api import wiring
from trading_api.status import (
    DifferenceCounts,
    DrainStatus,
    LimitsStatus,
    NodeState,
    NodeStatus,
    OpenDifference,
    OrderCounts,
    PositionCounts,
    ProfitAndLoss,
    ReconciliationStatus,
    ReplayProgress,
    VenueAgreement,
)
from trading_node.environment import Environment
from trading_node.limits_file import LimitsInForce
from trading_node.logs import rfc3339
from trading_node.reconciliation.agreement import VenueStats
from trading_node.reconciliation.difference import Kind
from trading_node.snapshot import Fill, Order, Position, Profit, Replay, Snapshot
from trading_node.termination import shorten

MAX_CURRENCIES = 16
MAX_MESSAGE = 1024
MAX_PNL = 128
MAX_LIMITS_ERROR = 512
MAX_VENUES = 16
MAX_OPEN = 5
MAX_DIFFERENCE = 256
STILL_SAYS = 64
"""Of what limits and stop say, so many characters stay."""
CENT = Decimal("0.01")


@dataclass(frozen=True, kw_only=True)
class Life:
    """Where a node is in its life, in its own words."""

    state: NodeState
    reason: str = ""
    message: str = ""
    reconciled: bool = False


def build_status(
    environment: Environment,
    life: Life,
    snapshot: Snapshot,
    *,
    started_ns: int,
    now_ns: int,
    limits: LimitsInForce | None = None,
    agreements: Sequence[VenueStats] = (),
    drain: DrainStatus | None = None,
) -> NodeStatus:
    """Return the report of a node: at most STATUS_NODE_MAX_BYTES as Kubernetes writes it."""
    status = NodeStatus(
        pod_name=environment.pod_name,
        pod_uid=environment.pod_uid,
        revision=environment.revision,
        state=life.state,
        reason=life.reason,
        message=shorten(life.message, MAX_MESSAGE),
        trading_state=snapshot.trading_state,
        reconciled=life.reconciled,
        limits=_limits(limits),
        orders=OrderCounts(
            total=snapshot.orders_total,
            open=snapshot.orders_open,
            filled=snapshot.orders_filled,
            rejected=snapshot.orders_rejected,
            denied=snapshot.orders_denied,
        ),
        fills=snapshot.fills,
        positions=PositionCounts(open=snapshot.positions_open, closed=snapshot.positions_closed),
        profit_and_loss=tuple(
            ProfitAndLoss(currency=p.currency, realized=decimal_text(p.realized), unrealized=decimal_text(p.unrealized))
            for p in snapshot.profits[:MAX_CURRENCIES]
        ),
        pnl=profit_line(snapshot.profits),
        replay=_replay(snapshot.replay),
        reconciliation=_reconciliation(agreements),
        drain=drain,
        started_at=rfc3339(started_ns),
        updated_at=rfc3339(now_ns),
    )
    return _fit(status)


def status_document(status: NodeStatus) -> dict[str, Any]:
    """Return a report as Kubernetes spells it."""
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)


def live_document(status: NodeStatus, snapshot: Snapshot) -> dict[str, Any]:
    """Return what /api/status shows: the report, the balances and the latest orders, fills and positions."""
    return {
        **status_document(status),
        "balances": [
            {"venue": b.venue, "currency": b.currency, "total": decimal_text(b.total)} for b in snapshot.balances
        ],
        "recentOrders": [_order(order) for order in snapshot.recent_orders],
        "recentFills": [_fill(fill) for fill in snapshot.recent_fills],
        "openPositions": [_position(position) for position in snapshot.open_positions],
    }


def decimal_text(value: Decimal) -> str:
    """Return a decimal without exponent, as NodeStatus holds it."""
    return format(value, "f")


def profit_line(profits: Sequence[Profit]) -> str:
    """Return the profit of all currencies in one line, such as ``12.50 USDT``."""
    totals = [(profit.realized + profit.unrealized, profit.currency) for profit in profits]
    return shorten(", ".join(f"{_short(total)} {currency}" for total, currency in totals), MAX_PNL)


def _short(value: Decimal) -> str:
    if value and abs(value) < CENT:
        return decimal_text(value.normalize())
    return decimal_text(value.quantize(CENT))


def _limits(limits: LimitsInForce | None) -> LimitsStatus | None:
    if limits is None or not limits.hash:
        return None
    return LimitsStatus(
        hash=limits.hash, applied_at=rfc3339(limits.applied_ns), error=shorten(limits.error, MAX_LIMITS_ERROR)
    )


def _replay(replay: Replay | None) -> ReplayProgress | None:
    if replay is None:
        return None
    return ReplayProgress(
        events=replay.events, total=replay.total, time=rfc3339(replay.time_ns) if replay.time_ns else None
    )


def _reconciliation(agreements: Sequence[VenueStats]) -> ReconciliationStatus | None:
    """Return what is told of the agreement; None of venues that agree by nature."""
    if not agreements:
        return None
    standing = [(stats.venue, each) for stats in agreements for each in stats.unresolved]
    kinds = [kind for kind in Kind if any(stats.differences[kind] or stats.raised[kind] for stats in agreements)]
    return ReconciliationStatus(
        venues=tuple(
            VenueAgreement(
                venue=stats.venue,
                agreed=stats.agreed,
                last_agreement_at=rfc3339(stats.last_agreement_ns) if stats.last_agreement_ns else None,
                reconnects=stats.reconnects,
                unanswered=stats.failures,
            )
            for stats in agreements[:MAX_VENUES]
        ),
        differences=tuple(
            DifferenceCounts(
                kind=kind.value,
                found=sum(stats.differences[kind] for stats in agreements),
                repaired=sum(stats.repairs[kind] for stats in agreements),
                raised=sum(stats.raised[kind] for stats in agreements),
            )
            for kind in kinds
        ),
        open=len(standing),
        open_differences=tuple(
            OpenDifference(
                venue=venue,
                kind=each.kind.value,
                subject=shorten(each.subject, 128),
                message=shorten(each.message, MAX_DIFFERENCE),
                remedy=shorten(each.remedy, MAX_DIFFERENCE),
                since=rfc3339(each.since_ns),
            )
            for venue, each in standing[:MAX_OPEN]
        ),
    )


def _fit(status: NodeStatus) -> NodeStatus:
    """Shorten what stands open to one, the message, the lists, then what limits and stop say, until it is small."""
    while len(status.model_dump_json(by_alias=True, exclude_none=True).encode()) > wiring.STATUS_NODE_MAX_BYTES:
        drain, agreement = status.drain, status.reconciliation
        if agreement is not None and len(agreement.open_differences) > 1:
            fewer_open = agreement.model_copy(update={"open_differences": agreement.open_differences[:-1]})
            status = status.model_copy(update={"reconciliation": fewer_open})
        elif status.message:
            status = status.model_copy(update={"message": _half(status.message)})
        elif drain is not None and (drain.left_orders or drain.left_positions):
            longer = "left_orders" if len(drain.left_orders) >= len(drain.left_positions) else "left_positions"
            fewer = drain.model_copy(update={longer: getattr(drain, longer)[:-1]})
            status = status.model_copy(update={"drain": fewer})
        elif status.profit_and_loss:
            status = status.model_copy(update={"profit_and_loss": status.profit_and_loss[:-1]})
        elif agreement is not None:
            status = status.model_copy(update={"reconciliation": _shorter(agreement)})
        elif status.limits is not None and len(status.limits.error) > STILL_SAYS:
            limits = status.limits.model_copy(update={"error": _half(status.limits.error)})
            status = status.model_copy(update={"limits": limits})
        elif drain is not None and len(drain.message) > STILL_SAYS:
            status = status.model_copy(update={"drain": drain.model_copy(update={"message": _half(drain.message)})})
        else:
            return status
    return status


def _half(text: str) -> str:
    return shorten(text, len(text) // 2) if len(text) > 8 else ""


def _shorter(agreement: ReconciliationStatus) -> ReconciliationStatus | None:
    """Leave out the last of what matters least; None when nothing is left."""
    for name in ("differences", "open_differences", "venues"):
        listed = getattr(agreement, name)
        if listed:
            return agreement.model_copy(update={name: listed[:-1]})
    return None


def _order(order: Order) -> dict[str, Any]:
    document = {
        "clientOrderId": order.client_order_id,
        "strategy": order.strategy,
        "instrument": order.instrument,
        "side": order.side,
        "type": order.type,
        "quantity": decimal_text(order.quantity),
        "filled": decimal_text(order.filled),
        "status": order.status,
        "time": rfc3339(order.time_ns),
    }
    return document if order.price is None else {**document, "price": decimal_text(order.price)}


def _fill(fill: Fill) -> dict[str, Any]:
    return {
        "tradeId": fill.trade_id,
        "clientOrderId": fill.client_order_id,
        "strategy": fill.strategy,
        "instrument": fill.instrument,
        "side": fill.side,
        "quantity": decimal_text(fill.quantity),
        "price": decimal_text(fill.price),
        "commission": f"{decimal_text(fill.commission)} {fill.commission_currency}",
        "time": rfc3339(fill.time_ns),
    }


def _position(position: Position) -> dict[str, Any]:
    document = {
        "positionId": position.position_id,
        "strategy": position.strategy,
        "instrument": position.instrument,
        "quantity": decimal_text(position.quantity),
        "averagePrice": decimal_text(position.average_price),
        "realized": decimal_text(position.realized),
        "currency": position.currency,
    }
    return document if position.unrealized is None else {**document, "unrealized": decimal_text(position.unrealized)}
