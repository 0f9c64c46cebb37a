"""Parameters that a strategy gives to an adapter beside an order, and that make another order of it at the venue.

The gate decides about orders; what these say it would not see. Commands to lend money are no orders at all.
"""

from collections.abc import Mapping
from typing import Any

from trading_node.risk.decision import Deny, Reason
from trading_node.risk.orders import Contract

OTHER_PRICE = frozenset({"price_match", "px_usd", "px_vol", "order_iv", "bbo_side_type", "bbo_level"})
"""The venue takes the price from these, not from the order: Binance, OKX and Bybit."""
MORE_ORDERS = frozenset(
    {
        "attach_algo_ords", "take_profit", "stop_loss", "tp_trigger_price", "sl_trigger_price", "tp_limit_price",
        "sl_limit_price",
    }
)  # fmt: skip
"""The venue makes orders of its own of these: OKX and Bybit. Bracket lists do the same through the gate."""
OTHER_QUANTITY = frozenset({"close_position", "close_fraction"})
"""The venue closes of the position what these say, whosever it is, whatever the quantity: Binance and OKX."""
OTHER_CONTRACT = frozenset({"outcome"})
"""The venue trades another outcome of an event than the instrument says: OKX."""
BORROWING = frozenset({"is_leverage"})
"""The venue lends for an order on spot: Bybit, where no configuration says that an account may."""
UNCHECKED = OTHER_PRICE | MORE_ORDERS | OTHER_QUANTITY | OTHER_CONTRACT | BORROWING
PAID_FOR = {"td_mode": (None, "cash"), "leverage": (None,)}
"""What OKX and Kraken are told on spot where nothing is lent. For derivatives these say how margin is kept."""
LOANS = frozenset({"borrow", "repay"})
"""What Bybit's client does when it is asked about an account."""


def check_params(params: Mapping[str, Any] | None, contract: Contract | None) -> Deny | None:
    """Refuse an order or a modify with a parameter that the gate cannot judge, or that borrows where it may not."""
    if not params:
        return None
    found = sorted(UNCHECKED.intersection(params))
    if contract is not None and contract.spot and not contract.lends:
        found += [name for name, harmless in PAID_FOR.items() if params.get(name) not in harmless]
    return Deny(Reason.UNCHECKED_PARAMETER, ", ".join(found)) if found else None


def is_loan(params: Mapping[str, Any] | None) -> bool:
    """Return whether a question about an account lends or pays back money."""
    return bool(params) and str((params or {}).get("action")).casefold() in LOANS
