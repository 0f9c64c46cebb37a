"""Parameters that a strategy gives to an adapter beside an order, and that make another order of it at the venue.

The gate decides about orders; what these say it would not see. Commands to lend money are no orders at all.
"""

from collections.abc import Mapping
from typing import Any

from trading_node.risk.decision import Deny, Reason

OTHER_PRICE = frozenset({"price_match", "px_usd", "px_vol", "order_iv", "bbo_side_type", "bbo_level"})
"""The venue takes the price from these, not from the order: Binance, OKX and Bybit."""
MORE_ORDERS = frozenset(
    {
        "attach_algo_ords", "take_profit", "stop_loss", "tp_trigger_price", "sl_trigger_price", "tp_limit_price",
        "sl_limit_price",
    }
)  # fmt: skip
"""The venue makes orders of its own of these: OKX and Bybit. Bracket lists do the same through the gate."""
UNCHECKED = OTHER_PRICE | MORE_ORDERS
LOANS = frozenset({"borrow", "repay"})
"""What Bybit's client does when it is asked about an account."""


def check_params(params: Mapping[str, Any] | None) -> Deny | None:
    """Refuse an order or a modify with a parameter that the gate cannot judge."""
    found = sorted(UNCHECKED.intersection(params or ()))
    return Deny(Reason.UNCHECKED_PARAMETER, ", ".join(found)) if found else None


def is_loan(params: Mapping[str, Any] | None) -> bool:
    """Return whether a question about an account lends or pays back money."""
    return bool(params) and str((params or {}).get("action")).casefold() in LOANS
