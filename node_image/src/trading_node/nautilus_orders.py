"""From Nautilus' instruments, accounts and orders to those that risk decides about."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from nautilus_trader.cache.cache import Cache
from nautilus_trader.execution.client import ExecutionClient
from nautilus_trader.model.enums import AccountType, OrderSide, OrderType
from nautilus_trader.model.instruments import CurrencyPair, Instrument
from nautilus_trader.model.orders import Order

from trading_node.assets import plain_code
from trading_node.instrument_ids import InstrumentType
from trading_node.market_prices import Decimals
from trading_node.nautilus_terms import is_hedged
from trading_node.nautilus_traits import read_traits
from trading_node.risk.orders import ONE, ZERO, Contract, OrderIntent, make_intent

BUY = OrderSide.BUY
WITHOUT_REDUCE_ONLY = frozenset({"InteractiveBrokersExecutionClient"})
"""Clients that leave the mark out of what they send."""
PRICED_APART = frozenset({InstrumentType.OPTION, InstrumentType.SPREAD})
"""Kinds whose price is not that of their base: a premium, or a difference."""
KINDS = {kind: kind.name for kind in OrderType}
MARKET = OrderType.MARKET
ACTIVE_AT_ONCE = frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.MARKET_TO_LIMIT})


def read_contract(instrument: Instrument, client: ExecutionClient, cache: Cache) -> Contract:
    """Return what an instrument's quantities mean, on the account of the client that trades it.

    Currencies have the codes by which the books and the limits call them; only the account's stay the engine's.
    """
    traits, base = read_traits(instrument), instrument.get_base_currency()
    quanto = getattr(instrument, "is_quanto", False)  # of derivatives only
    cash = client.account_type != AccountType.MARGIN
    spot, lends = isinstance(instrument, CurrencyPair), _lends(client)
    reduces = type(client).__name__ not in WITHOUT_REDUCE_ONLY
    return Contract(
        instrument_id=instrument.id.value,
        venue=instrument.id.venue.value,
        currency=traits.settlement if quanto and not instrument.is_inverse else traits.quote,
        settlement=traits.settlement,
        multiplier=instrument.multiplier.as_decimal(),
        inverse=traits.inverse,
        account=client.account_id.value if client.account_id is not None else "",
        base="" if base is None or traits.kind in PRICED_APART else plain_code(traits.base),
        margin=ONE if cash else _margin(instrument, client, cache),
        cash=cash,
        hedged=is_hedged(client),
        # Binance sends no such mark for spot, and OKX does not look at it. Sold there is no more than there is, unless
        # the account borrows.
        reduce_only_buys=reduces and not spot,
        reduce_only_sells=reduces and not (spot and lends),
        spot=spot,
        lends=lends,
        account_base=base.code if base is not None else "",
        account_settlement=instrument.get_settlement_currency().code,
    )


def _lends(client: ExecutionClient) -> bool:
    """Return whether a client's orders on spot may borrow.

    OKX's client says Margin of an account that trades derivatives beside spot, and has a setting of its own for this.
    """
    of_spot = getattr(getattr(client, "_config", None), "use_spot_margin", None)
    return client.account_type == AccountType.MARGIN if of_spot is None else bool(of_spot)


def _margin(instrument: Instrument, client: ExecutionClient, cache: Cache) -> Decimal:
    """Return the larger of what the instrument asks for and what the account's leverage leaves to be paid.

    Binance's adapter says that an instrument asks for all, whatever the account's leverage: then that alone counts.
    """
    account = cache.account(client.account_id) if client.account_id is not None else None
    leverage = ONE
    if account is not None and account.is_margin_account:
        leverage = account.leverage(instrument.id) or account.default_leverage
    asked = Decimal(instrument.margin_init)
    return max(asked if asked < ONE else ZERO, ONE / Decimal(leverage))


class OrderReader:
    """Reads orders of one node."""

    def __init__(self, decimals: Decimals, cleanup_tag: str, strategy_names: Mapping[str, str]) -> None:
        """Take the names that limits call strategies by, keyed by strategy id."""
        self._decimal: Callable[[Any], Decimal] = decimals.of
        self._decimals = decimals.known
        self._cleanup_tag = cleanup_tag
        self.names: Mapping[str, str] = dict(strategy_names)
        """Those names."""

    def strategy(self, strategy_id: str) -> str:
        """Return the name of a strategy in the limits; its id where it has none."""
        return self.names.get(strategy_id, strategy_id)

    def is_cleanup(self, order: Order) -> bool:
        """Return whether an order is the node's own, sent to end its exposure."""
        tags = order.tags
        return tags is not None and self._cleanup_tag in tags

    def read(self, order: Order, contract: Contract, position_id: object = None) -> OrderIntent:
        """Return an order as risk sees it, with what is left to fill."""
        decimal, decimals = self._decimal, self._decimals
        kind, quantity = order.order_type, order.leaves_qty
        strategy_id = order.strategy_id.value
        tags = order.tags
        price = trigger = None
        active = True
        if kind != MARKET:
            if order.has_price:
                price = order.price
                price = decimals.get(price.raw) or decimal(price)
            if kind not in ACTIVE_AT_ONCE:
                active = bool(getattr(order, "is_triggered", False))
                if order.has_trigger_price:
                    trigger = decimal(order.trigger_price)
        return make_intent(
            (
                order.client_order_id.value,
                self.names.get(strategy_id, strategy_id),
                contract,
                order.side == BUY,
                decimals.get(quantity.raw) or decimal(quantity),
                KINDS[kind],
                price,
                trigger,
                active,
                order.is_reduce_only
                and (contract.reduce_only_buys if order.side == BUY else contract.reduce_only_sells),
                "" if position_id is None else str(position_id),
                tags is not None and self._cleanup_tag in tags,
            )
        )
