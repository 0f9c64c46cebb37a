"""The report is a pure function of what is known, and always small enough."""

import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from trading_api import wiring
from trading_api.status import NodeState
from trading_node.environment import Environment
from trading_node.reconciliation.agreement import Agreement, VenueStats
from trading_node.reconciliation.difference import Change, ChangeOrder, Difference, Kind
from trading_node.snapshot import Profit, Replay, Snapshot
from trading_node.status import Life, build_status, profit_line, status_document

TEXT = st.text(max_size=2000)
MONEY = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**18), max_value=10**18, places=8)


def status_of(life: Life, snapshot: Snapshot, environment: Environment | None = None) -> dict[str, object]:
    status = build_status(environment or Environment(), life, snapshot, started_ns=0, now_ns=10**9)
    return status_document(status)


def disagreements(venues: int, text: str) -> list[VenueStats]:
    """Return venues with one difference of each kind that stands."""
    found = []
    for number in range(venues):
        agreement = Agreement(f"{'V' * 60}{number:04d}")
        agreement.on_look([Difference(kind=each, subject=text, message=text, remedy=text) for each in Kind], 1)
        found.append(agreement.stats)
    return found


@examples(15)
@given(
    message=TEXT,
    reason=st.text(max_size=128),
    amounts=st.lists(st.tuples(MONEY, MONEY), max_size=40),
    venues=st.integers(0, 20),
)
def test_a_report_is_never_larger_than_allowed(
    message: str, reason: str, amounts: list[tuple[Decimal, Decimal]], venues: int
) -> None:
    profits = tuple(
        Profit(currency=f"CURRENCY{number:08d}", realized=realized, unrealized=unrealized)
        for number, (realized, unrealized) in enumerate(amounts)
    )
    environment = Environment(pod_name="p" * 253, pod_uid="u" * 64, revision="r" * 64)
    life = Life(state=NodeState.FAILED, reason=reason, message=message)
    snapshot = Snapshot(profits=profits, replay=Replay(events=10**12))
    agreements = disagreements(venues, message)
    document = status_document(
        build_status(environment, life, snapshot, started_ns=0, now_ns=10**9, agreements=agreements)
    )
    assert len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()) <= wiring.STATUS_NODE_MAX_BYTES


def test_a_report_says_what_the_snapshot_says() -> None:
    snapshot = Snapshot(
        trading_state="Active",
        orders_total=7,
        orders_open=1,
        orders_filled=3,
        orders_rejected=2,
        orders_denied=1,
        fills=4,
        positions_open=1,
        positions_closed=2,
        profits=(Profit(currency="USDT", realized=Decimal("12.50"), unrealized=Decimal("-0.25")),),
        replay=Replay(events=5, total=10, time_ns=1_000_000_001),
    )
    document = status_of(Life(state=NodeState.TRADING, reconciled=True), snapshot)
    assert document == {
        "podName": "", "podUid": "", "revision": "", "reason": "", "message": "",
        "state": "Trading", "tradingState": "Active", "reconciled": True,
        "orders": {"total": 7, "open": 1, "filled": 3, "rejected": 2, "denied": 1},
        "fills": 4,
        "positions": {"open": 1, "closed": 2},
        "profitAndLoss": [{"currency": "USDT", "realized": "12.50", "unrealized": "-0.25"}],
        "pnl": "12.25 USDT",
        "replay": {"events": 5, "total": 10, "time": "1970-01-01T00:00:01.000000001Z"},
        "startedAt": "1970-01-01T00:00:00.000000000Z",
        "updatedAt": "1970-01-01T00:00:01.000000000Z",
    }  # fmt: skip


def test_small_profits_are_not_rounded_away() -> None:
    profits = [
        Profit(currency="BTC", realized=Decimal("0.00001200"), unrealized=Decimal(0)),
        Profit(currency="USDT", realized=Decimal("-1234.567"), unrealized=Decimal(0)),
        Profit(currency="ETH", realized=Decimal(0), unrealized=Decimal(0)),
    ]
    assert profit_line(profits) == "0.000012 BTC, -1234.57 USDT, 0.00 ETH"


def test_a_report_says_what_stands_between_node_and_venues() -> None:
    agreement = Agreement("BINANCE")
    closed = ChangeOrder(client_order_id="O-1", change=Change.CANCELED)
    repaired = Difference(kind=Kind.ORDER_CLOSED, subject="O-1", message="", repair=closed)
    standing = Difference(kind=Kind.POSITION_MISMATCH, subject="BTC", message="3 more", remedy="sell 3")
    agreement.on_look([], 10**9)
    agreement.on_look([], 2 * 10**9)
    for second in (3, 4, 5):
        agreement.on_look([repaired, standing], second * 10**9)
    agreement.on_repair(Kind.ORDER_CLOSED)
    other = Agreement("OKX")
    other.on_failure("timeout", 6 * 10**9)
    life = Life(state=NodeState.TRADING)
    report = build_status(
        Environment(), life, Snapshot(), started_ns=0, now_ns=10**9, agreements=(agreement.stats, other.stats)
    )
    assert status_document(report)["reconciliation"] == {
        "venues": [
            {
                "venue": "BINANCE", "agreed": False, "lastAgreementAt": "1970-01-01T00:00:02.000000000Z",
                "reconnects": 0, "unanswered": 0,
            },
            {"venue": "OKX", "agreed": False, "reconnects": 0, "unanswered": 1},
        ],
        "differences": [
            {"kind": "OrderClosed", "found": 1, "repaired": 1, "raised": 0},
            {"kind": "PositionMismatch", "found": 1, "repaired": 0, "raised": 1},
            {"kind": "VenueSilent", "found": 1, "repaired": 0, "raised": 1},
        ],
        "open": 2,
        "openDifferences": [
            {
                "venue": "BINANCE", "kind": "PositionMismatch", "subject": "BTC", "message": "3 more",
                "remedy": "sell 3", "since": "1970-01-01T00:00:03.000000000Z",
            },
            {
                "venue": "OKX", "kind": "VenueSilent", "subject": "OKX", "message": "timeout",
                "remedy": other.stats.unresolved[0].remedy, "since": "1970-01-01T00:00:06.000000000Z",
            },
        ],
    }  # fmt: skip


def test_venues_that_agree_by_nature_have_no_such_report() -> None:
    assert "reconciliation" not in status_of(Life(state=NodeState.TRADING, reconciled=True), Snapshot())
