"""What the books keep of Nautilus' instruments."""

from dataclasses import dataclass
from decimal import Decimal

from nautilus_trader.model import instruments
from nautilus_trader.model.enums import CurrencyType

from trading_api.adapters import Adapter
from trading_node.assets import plain_code
from trading_node.instrument_ids import InstrumentTerms, InstrumentType
from trading_node.venue_symbols import base_of, to_canonical

_TYPES: dict[type, InstrumentType] = {
    instruments.CurrencyPair: InstrumentType.SPOT,
    instruments.TokenizedAsset: InstrumentType.SPOT,
    instruments.CryptoPerpetual: InstrumentType.PERPETUAL,
    instruments.PerpetualContract: InstrumentType.PERPETUAL,
    instruments.CryptoFuture: InstrumentType.FUTURE,
    instruments.FuturesContract: InstrumentType.FUTURE,
    instruments.CryptoOption: InstrumentType.OPTION,
    instruments.OptionContract: InstrumentType.OPTION,
    instruments.FuturesSpread: InstrumentType.SPREAD,
    instruments.OptionSpread: InstrumentType.SPREAD,
    instruments.CryptoFuturesSpread: InstrumentType.SPREAD,
    instruments.CryptoOptionSpread: InstrumentType.SPREAD,
    instruments.Equity: InstrumentType.EQUITY,
    instruments.Cfd: InstrumentType.CFD,
    instruments.IndexInstrument: InstrumentType.INDEX,
    instruments.Commodity: InstrumentType.COMMODITY,
    instruments.BinaryOption: InstrumentType.BINARY,
    instruments.BettingInstrument: InstrumentType.BETTING,
}


@dataclass(frozen=True, slots=True)
class Traits:
    """What the books keep of an instrument."""

    name: str
    venue: str
    canonical: str
    kind: InstrumentType | None = None
    base: str = ""
    quote: str = ""
    settlement: str = ""
    multiplier: Decimal = Decimal(1)
    inverse: bool = False
    selection: str = ""


def read_traits(instrument: instruments.Instrument, adapter: Adapter | None = None) -> Traits:
    """Return what the books keep of an instrument; adapter: what connects to its venue, where that is known."""
    base, quote = instrument.get_base_currency(), instrument.quote_currency
    kind = _TYPES.get(type(instrument))
    if kind is InstrumentType.SPOT and base is not None and base.currency_type == quote.currency_type:
        kind = InstrumentType.FX if quote.currency_type == CurrencyType.FIAT else kind
    terms = InstrumentTerms(type=kind, base="" if base is None else base.code, quote=quote.code)
    canonical = to_canonical(instrument.id.value, terms, adapter)
    settlement = instrument.get_settlement_currency().code
    # An option's price is in what it settles in, whatever its strike is in: nothing is the reciprocal of anything.
    option = kind is InstrumentType.OPTION and instrument.is_inverse
    priced_in = settlement if option else terms.quote
    return Traits(
        name=instrument.id.value,
        venue=instrument.id.venue.value,
        canonical=canonical,
        kind=kind,
        # The engine calls the base of OKX's futures BTC-USDT, and that of Kraken's spot XXBT.
        base=base_of(canonical) or terms.base or _underlying(instrument),
        quote=plain_code(priced_in),
        settlement=plain_code(settlement),
        multiplier=instrument.multiplier.as_decimal(),
        inverse=instrument.is_inverse and priced_in != settlement,
        selection=getattr(instrument, "selection_name", "") or "",
    )


def _underlying(instrument: instruments.Instrument) -> str:
    """Return the asset that an instrument without base currency follows."""
    return str(getattr(instrument, "underlying", None) or instrument.id.symbol.value)
