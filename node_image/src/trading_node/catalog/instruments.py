"""Instruments for data that comes without them."""

from dataclasses import dataclass
from decimal import Decimal

from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import FIXED_PRECISION, Currency, Price, Quantity

from trading_node.errors import usage_error

DEFAULT_FEE = Decimal("0.001")
"""Of the notional, for makers and takers: what large spot venues take from new customers."""

QUOTES = (
    "FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USDE", "USD", "EUR", "GBP", "JPY", "AUD", "CAD", "CHF", "TRY", "BRL",
    "BTC", "ETH", "BNB", "SOL",
)  # fmt: skip
"""Currencies that a symbol without a separator may end with, the longer ones first."""

_EXAMPLE = "Write symbol and venue, such as BTCUSDT.BINANCE or EUR/USD.OANDA"


@dataclass(frozen=True)
class Pair:
    """What is traded against what."""

    base: str
    quote: str


def parse_instrument_id(text: str) -> InstrumentId:
    """Return the id. Raises NodeError for anything but SYMBOL.VENUE."""
    try:
        return InstrumentId.from_str(text)
    except ValueError as error:
        raise usage_error(f"{text!r} is no instrument id", _EXAMPLE) from error


def split_symbol(symbol: str) -> Pair:
    """Return base and quote of a symbol such as BTCUSDT, BTC-USDT or BTC/USDT. Raises NodeError if it says neither."""
    for separator in "/-_":
        base, found, quote = symbol.partition(separator)
        if found and base.isalnum() and quote.isalnum():
            return Pair(base, quote)
    for quote in QUOTES:
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return Pair(symbol.removesuffix(quote), quote)
    raise usage_error(
        f"The symbol {symbol} does not say what is traded against what",
        "Separate the two currencies, such as BTC/USDT.BINANCE",
    )


def currency_pair(
    instrument_id: InstrumentId, price_precision: int, size_precision: int, fee: Decimal = DEFAULT_FEE
) -> CurrencyPair:
    """Return a spot pair whose increments are one unit of the last decimal."""
    for what, precision in (("price", price_precision), ("size", size_precision)):
        if not 0 <= precision <= FIXED_PRECISION:
            raise usage_error(
                f"A {what} precision of {precision} decimals is not possible", f"Write 0 to {FIXED_PRECISION}"
            )
    pair = split_symbol(instrument_id.symbol.value)
    return CurrencyPair(
        instrument_id=instrument_id,
        raw_symbol=instrument_id.symbol,
        base_currency=Currency.from_str(pair.base),
        quote_currency=Currency.from_str(pair.quote),
        price_precision=price_precision,
        size_precision=size_precision,
        price_increment=Price.from_str(increment(price_precision)),
        size_increment=Quantity.from_str(increment(size_precision)),
        maker_fee=fee,
        taker_fee=fee,
        ts_event=0,
        ts_init=0,
    )


def increment(precision: int) -> str:
    """Return one unit of the last decimal, such as 0.01 for two decimals."""
    return format(Decimal(1).scaleb(-precision), "f")
