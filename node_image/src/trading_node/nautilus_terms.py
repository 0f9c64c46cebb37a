"""What a venue trades of an instrument, as a stop has to know it."""

from decimal import Decimal

from nautilus_trader.cache.cache import Cache
from nautilus_trader.execution.client import ExecutionClient
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.instruments import Instrument

from trading_node.drain.facts import Terms


def read_terms(instrument: Instrument, client: ExecutionClient, cache: Cache, price: Decimal | None) -> Terms:
    """Return the terms of an instrument on the account of a client; price: its newest one."""
    step = instrument.size_increment.as_decimal()
    cash = client.account_type == AccountType.CASH
    minimum_notional = instrument.min_notional
    return Terms(
        step=step,
        minimum=step if instrument.min_quantity is None else instrument.min_quantity.as_decimal(),
        maximum=None if instrument.max_quantity is None else instrument.max_quantity.as_decimal(),
        # Orders that can only reduce are taken however little they are worth.
        minimum_notional=minimum_notional.as_decimal() if cash and minimum_notional is not None else None,
        worth=None if price is None else price * instrument.multiplier.as_decimal(),
        hedged=is_hedged(client),
        reduce_only=not cash,
        owned=_owned(instrument, client, cache) if cash else None,
    )


def is_hedged(client: ExecutionClient) -> bool:
    """Return whether a client's venue keeps several positions in one instrument.

    Binance's futures client says so of every account, and knows by itself whether it is true.
    """
    return bool(client.oms_type == OmsType.HEDGING and getattr(client, "_is_dual_side_position", True))


def _owned(instrument: Instrument, client: ExecutionClient, cache: Cache) -> Decimal | None:
    """Return what a cash account has of what the instrument is about, where it counts that."""
    account = None if client.account_id is None else cache.account(client.account_id)
    base = instrument.get_base_currency()
    if account is None or base is None or account.base_currency is not None:
        return None
    total = account.balance_total(base)
    return None if total is None else total.as_decimal()
