"""Contracts and orders for the tests of risk, short to write."""

from decimal import Decimal
from itertools import count
from typing import Any

from trading_api.risk import RiskLimits
from trading_node.gate import Gate
from trading_node.risk.holdings import Market
from trading_node.risk.limits import compile_limits
from trading_node.risk.orders import Contract, OrderIntent

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
PERPETUAL = Contract("BTC-PERP.X", "X", "USDT", "USDT", account="X-1", base="BTC", margin=Decimal("0.1"))
INVERSE = Contract("BTCUSD-PERP.X", "X", "USD", "BTC", inverse=True, multiplier=Decimal(100), account="X-1", base="BTC")
SPOT = Contract("BTC.X", "X", "USDT", "USDT", account="X-2", base="BTC", cash=True, spot=True)
HEDGED = Contract("BTC-HEDGE.X", "X", "USDT", "USDT", account="X-3", base="BTC", hedged=True)

_ids = count(1)


def order(side: str, quantity: str | Decimal, price: str | None = None, **options: Any) -> OrderIntent:
    """An order: a limit order with a price, a market order without."""
    options.setdefault("order_id", f"O-{next(_ids)}")
    options.setdefault("strategy", "ema")
    options.setdefault("contract", PERPETUAL)
    options.setdefault("kind", "MARKET" if price is None else "LIMIT")
    return OrderIntent(
        buy=side == "BUY",
        quantity=Decimal(quantity),
        price=None if price is None else Decimal(price),
        **options,
    )


def open_gate(**limits: Any) -> Gate:
    """A gate that is reconciled, with limits as a run-config writes them; the perpetual is at 99-101."""
    gate = Gate(compile_limits(RiskLimits(**limits)))
    gate.set_reconciled(True)
    set_price(gate, PERPETUAL, "99", "101")
    return gate


def set_price(gate: Gate, contract: Contract, bid: str, ask: str, at_ns: int = START) -> Market:
    market = gate.book.market(contract)
    low, high = Decimal(bid), Decimal(ask)
    gate.book.set_prices(market, low, high, (low + high) / 2, at_ns)
    return market


def hold(
    gate: Gate, quantity: str, strategy: str = "ema", contract: Contract = PERPETUAL, position_id: str = ""
) -> None:
    """Have a strategy hold a position, bought at the present price."""
    market = gate.book.market(contract)
    holding = gate.book.open_holding((strategy, contract.instrument_id, position_id), market)
    change = Decimal(quantity) - holding.position
    assert market.mark is not None
    gate.book.pay(holding, contract.settle(change, market.mark))
    gate.book.set_position(holding, position_id, Decimal(quantity))


def reason(gate: Gate, intent: OrderIntent, at_ns: int = START) -> str | None:
    """Send an order and return why it was refused, or None."""
    refusal = gate.submit(intent, at_ns)
    return None if refusal is None else str(refusal.reason)
