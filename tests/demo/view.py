"""What the demo shows while the node trades: pure functions from API objects to lines of text."""

from collections.abc import Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]

CONDITION_ORDER = ("Accepted", "Progressing", "Reconciled", "Trading", "Degraded", "UpdatePending", "Ready")
ROWS_OF_ACTIVITY = 5


def condition_line(conditions: Sequence[Json]) -> str:
    """One line with every condition, the ones that hold marked ``+`` and the others ``-``."""
    by_type = {condition["type"]: condition for condition in conditions}
    known = [name for name in CONDITION_ORDER if name in by_type]
    marks = {"True": "+", "False": "-", "Unknown": "?"}
    return "  ".join(f"{marks[by_type[name]['status']]}{name}" for name in known) or "none yet"


def explanation(deployment: Json) -> str:
    """The message that matters most now: of a degradation, else of Ready."""
    by_type = {condition["type"]: condition for condition in deployment.get("status", {}).get("conditions", ())}
    for name, wanted in (("Accepted", "False"), ("Degraded", "True"), ("Ready", "False")):
        condition = by_type.get(name)
        if condition and condition["status"] == wanted:
            return f"{condition['reason']}: {condition.get('message', '')}"
    return ""


def _table(title: str, rows: Sequence[Json], columns: Sequence[tuple[str, str, int]]) -> list[str]:
    # The node lists the newest first.
    if not rows:
        return []
    lines = [f"  {title:<10}" + " ".join(f"{heading:>{width}}" for heading, _, width in columns)]
    for row in rows[:ROWS_OF_ACTIVITY]:
        cells = (f"{row.get(key) if row.get(key) is not None else '':>{width}}" for _, key, width in columns)
        lines.append("  " + " " * 10 + " ".join(cells))
    return lines


ORDER_COLUMNS = (
    ("strategy", "strategy", 18),
    ("side", "side", 5),
    ("quantity", "quantity", 11),
    ("filled", "filled", 11),
    ("type", "type", 8),
    ("status", "status", 8),
)
FILL_COLUMNS = (
    ("instrument", "instrument", 16),
    ("side", "side", 5),
    ("quantity", "quantity", 11),
    ("price", "price", 12),
    ("commission", "commission", 18),
)
POSITION_COLUMNS = (
    ("instrument", "instrument", 16),
    ("quantity", "quantity", 12),
    ("entry", "averagePrice", 12),
    ("realised", "realized", 11),
    ("unrealised", "unrealized", 11),
)


def progress_bar(progress: Json, width: int = 30) -> str:
    """How far the replay has come, as a bar where the total is known."""
    events, total = progress.get("events", 0), progress.get("total")
    if not total:
        return f"{events:,} events"
    filled = min(width, events * width // total)
    return f"[{'#' * filled}{'.' * (width - filled)}] {events:,} of {total:,} events"


def order_line(orders: Json) -> str:
    """Return how many orders there are, by what became of them."""
    total = f"{orders.get('total', 0)} in all"
    return ", ".join([total, *(f"{orders.get(kind, 0)} {kind}" for kind in ("open", "filled", "rejected", "denied"))])


def screen(deployment: Json, node: Json | None, pods: Sequence[str], seconds: float) -> list[str]:
    """The whole view: the deployment as the API has it, and the node's own figures where it answers."""
    status = deployment.get("status", {})
    report = node or status.get("node") or {}
    orders, positions = report.get("orders", {}), report.get("positions", {})
    lines = [
        f"  {deployment['metadata']['name']}   phase {status.get('phase', '-')}   {seconds:5.1f} s since kubectl apply",
        f"  conditions  {condition_line(status.get('conditions', ()))}",
    ]
    if why := explanation(deployment):
        lines.append(f"              {why}")
    lines += [f"  pods        {', '.join(pods) or 'none'}"]
    if report:
        lines += [
            f"  replay      {progress_bar(report.get('replay') or {})}",
            f"  orders      {order_line(orders)}",
            f"  fills       {report.get('fills', 0)}",
            f"  positions   {positions.get('open', 0)} open, {positions.get('closed', 0)} closed",
            f"  profit      {report.get('pnl') or '-'}",
        ]
    if node:
        lines += _table("orders", node.get("recentOrders", ()), ORDER_COLUMNS)
        lines += _table("fills", node.get("recentFills", ()), FILL_COLUMNS)
        lines += _table("positions", node.get("openPositions", ()), POSITION_COLUMNS)
    return lines
