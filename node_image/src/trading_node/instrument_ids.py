"""Canonical instrument ids, `VENUE:TYPE:PAYLOAD[@CHAIN]`, and how they answer to the trading engine's own.

`BINANCE-FUTURES:PERPETUAL:BTC-USDT@LIN` is `BTCUSDT-PERP.BINANCE`. TYPE is an `InstrumentType`; PAYLOAD is BASE-QUOTE,
then the expiry as YYMMDD, strike and C or P where there are some; CHAIN is LIN or INV for linear and inverse contracts,
or the name of a blockchain. The translation loses nothing: an instrument whose name would not come back keeps the
venue's own spelling, marked by `~`. Characters that the form itself uses are percent-encoded.
"""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, unquote

LINEAR = "LIN"
INVERSE = "INV"
VERBATIM = "~"
_PLAIN = "/+#$&=()~_.^ "
"""Characters besides letters, digits and - that a payload may hold as they are."""
_REMEDY = "write VENUE:TYPE:PAYLOAD or VENUE:TYPE:PAYLOAD@CHAIN, such as BINANCE-FUTURES:PERPETUAL:BTC-USDT@LIN"


class InstrumentIdError(ValueError):
    """A text that is no canonical id; says what to write."""


class InstrumentType(StrEnum):
    """What kind of thing an instrument is."""

    SPOT = "SPOT"
    PERPETUAL = "PERPETUAL"
    FUTURE = "FUTURE"
    OPTION = "OPTION"
    SPREAD = "SPREAD"
    EQUITY = "EQUITY"
    FX = "FX"
    CFD = "CFD"
    BOND = "BOND"
    INDEX = "INDEX"
    COMMODITY = "COMMODITY"
    BINARY = "BINARY"
    BETTING = "BETTING"
    ASSET = "ASSET"
    LENDING = "LENDING"
    DEBT = "DEBT"
    STAKED = "STAKED"
    POOL = "POOL"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True, kw_only=True)
class CanonicalId:
    """The parts of a canonical id, as people read them."""

    venue: str
    type: InstrumentType
    payload: str
    chain: str = ""

    def __str__(self) -> str:
        """Return the one text form."""
        text = f"{_quoted(self.venue)}:{self.type}:{_quoted(self.payload)}"
        return f"{text}@{_quoted(self.chain)}" if self.chain else text


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentTerms:
    """What is known of an instrument apart from its name."""

    type: InstrumentType | None = None
    base: str = ""
    quote: str = ""


NO_TERMS = InstrumentTerms()


def parse_canonical(text: str) -> CanonicalId:
    """Return the parts of a canonical id. Raises InstrumentIdError for anything that is not exactly one."""
    fields = text.split(":")
    if len(fields) != 3:
        raise InstrumentIdError(f"{text!r} has {len(fields) - 1} colons, not two: {_REMEDY}")
    venue, kind, rest = fields
    payload, at, chain = rest.partition("@")
    if kind not in InstrumentType.__members__:
        raise InstrumentIdError(f"{text!r} has the unknown type {kind!r}: write one of {', '.join(InstrumentType)}")
    if not venue or not payload or (at and not chain):
        raise InstrumentIdError(f"{text!r} has an empty part: {_REMEDY}")
    parsed = CanonicalId(
        venue=unquote(venue), type=InstrumentType(kind), payload=unquote(payload), chain=unquote(chain)
    )
    if str(parsed) != text:
        raise InstrumentIdError(f"{text!r} is not the canonical spelling: write {str(parsed)!r}")
    return parsed


def _quoted(part: str) -> str:
    return quote(part, safe=_PLAIN)


def join_date(day: str, month: str, year: str) -> str | None:
    """Return YYMMDD for a day such as 5, a month such as MAR and a year such as 26; None for no month."""
    if month not in MONTHS:
        return None
    return f"{year}{MONTHS.index(month) + 1:02d}{int(day):02d}"


def split_date(date: str) -> tuple[str, str, str] | None:
    """Return day without leading zero, month such as MAR and year of YYMMDD; None for no date."""
    if len(date) != 6 or not date.isascii() or not date.isdigit() or not 1 <= int(date[2:4]) <= 12:
        return None
    return str(int(date[4:])), MONTHS[int(date[2:4]) - 1], date[:2]


MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
QUOTES = (
    "FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USDE", "USDP", "RLUSD", "PYUSD", "DAI",
    "USD", "EUR", "GBP", "JPY", "AUD", "CHF", "CAD", "TRY", "BRL", "ZAR", "PLN", "UAH", "ARS", "MXN", "KZT", "IDR",
    "BTC", "XBT", "ETH", "BNB", "SOL", "DOGE", "TRX", "XRP", "MNT",
)  # fmt: skip
"""Quote currencies in which exchanges name pairs without a separator, for when the instrument itself is not at hand."""


def split_pair(stem: str, terms: InstrumentTerms) -> tuple[str, str] | None:
    """Return base and quote of a pair written without separator; None when they cannot be told apart."""
    if terms.base and terms.quote and terms.base + terms.quote == stem:
        return terms.base, terms.quote
    candidates = [q for q in QUOTES if stem.endswith(q) and len(stem) > len(q)]
    if not candidates:
        return None
    # BNBUSD is BNB-USD, not BN-BUSD: a base of one or two letters speaks for the shorter quote.
    longest = max(candidates, key=lambda q: (len(stem) - len(q) > 2, len(q)))
    return stem[: -len(longest)], longest
