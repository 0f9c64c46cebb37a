"""How each venue spells its instruments: the trading engine's ids to canonical ones and back.

`to_canonical` never fails and `to_engine` undoes it exactly, told the engine's name of the venue. An adapter spells the
same under whatever name its venue has: Binance's venues are named freely, and two of them may trade one instrument,
which then has one id. A venue without rules of its own, such as an exchange that a broker reaches or one that is only
simulated, keeps its spelling.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trading_api.adapters import FIXED_VENUES, Adapter
from trading_node.instrument_ids import (
    INVERSE,
    LINEAR,
    NO_TERMS,
    VERBATIM,
    CanonicalId,
    InstrumentIdError,
    InstrumentTerms,
    InstrumentType,
    join_date,
    parse_canonical,
    split_date,
    split_pair,
)

Read = Callable[[str, InstrumentTerms], CanonicalId | None]
Spell = Callable[[CanonicalId], str | None]


def to_canonical(engine_id: str, terms: InstrumentTerms = NO_TERMS, adapter: Adapter | None = None) -> str:
    """Return the canonical id of SYMBOL.VENUE. Raises InstrumentIdError for a text without symbol or venue.

    `terms` tell base and quote apart where a symbol runs them together; without them a list of usual quote currencies
    does. `adapter`: what connects to the venue; where it is not known, the venue's name stands for it.
    """
    symbol, dot, venue = engine_id.rpartition(".")
    if not dot or not symbol or not venue:
        raise InstrumentIdError(f"{engine_id!r} is no instrument: write SYMBOL.VENUE, such as BTCUSDT-PERP.BINANCE")
    speller = venue if adapter is None else SPELLERS.get(adapter, venue)
    rules = _RULES.get(speller)
    if rules is None:
        kind = terms.type or InstrumentType.OTHER
        spelled = VERBATIM + symbol if symbol.startswith(VERBATIM) else symbol
        return str(CanonicalId(venue=_foreign(venue), type=kind, payload=spelled))
    read = rules.read(symbol, terms)
    if read is not None and _spelled(read) == symbol:
        return str(read)
    kind = terms.type or (read.type if read else InstrumentType.OTHER)
    return str(CanonicalId(venue=speller, type=kind, payload=VERBATIM + symbol))


def to_engine(canonical: str, venue: str = "") -> str:
    """Return SYMBOL.VENUE of a canonical id. Raises InstrumentIdError for one that names no such instrument.

    `venue`: the engine's name of the venue, which the books keep beside the id; the usual one if empty.
    """
    parsed = parse_canonical(canonical)
    usual = _ENGINE_VENUES.get(parsed.venue) or parsed.venue.removeprefix(VERBATIM)
    symbol = _spelled(parsed)
    if symbol is None:
        raise InstrumentIdError(f"{canonical!r} names nothing that {usual} trades: see the forms in venue_symbols")
    return f"{symbol}.{venue or usual}"


def base_of(canonical: str) -> str:
    """Return the asset that an instrument is about, as its canonical id says; empty where that does not tell."""
    parsed = parse_canonical(canonical)
    if parsed.venue not in _ENGINE_VENUES or parsed.payload.startswith(VERBATIM):
        return ""
    match parsed.type:
        case InstrumentType.SPOT | InstrumentType.PERPETUAL:
            return parsed.payload.rpartition("-")[0]
        case InstrumentType.FUTURE:
            return parsed.payload.rsplit("-", 2)[0]
        case InstrumentType.OPTION:
            return parsed.payload.rsplit("-", 4)[0]
    return ""


def _spelled(canonical: CanonicalId) -> str | None:
    if canonical.payload.startswith(VERBATIM):
        return canonical.payload.removeprefix(VERBATIM)
    rules = _RULES.get(_ENGINE_VENUES.get(canonical.venue, ""))
    return rules.spell(canonical) if rules else canonical.payload


def _foreign(venue: str) -> str:
    """Keep a venue's name from meaning one of ours, such as an engine venue that is called BINANCE-SPOT."""
    return VERBATIM + venue if venue in _ENGINE_VENUES or venue.startswith(VERBATIM) else venue


def _perpetual(venue: str, base: str, quote: str, chain: str) -> CanonicalId:
    return CanonicalId(venue=venue, type=InstrumentType.PERPETUAL, payload=f"{base}-{quote}", chain=chain)


def _future(venue: str, base: str, quote: str, expiry: str, chain: str) -> CanonicalId:
    return CanonicalId(venue=venue, type=InstrumentType.FUTURE, payload=f"{base}-{quote}-{expiry}", chain=chain)


def _option(venue: str, base: str, quote: str, rest: str, chain: str) -> CanonicalId:
    return CanonicalId(venue=venue, type=InstrumentType.OPTION, payload=f"{base}-{quote}-{rest}", chain=chain)


def _spot(venue: str, base: str, quote: str) -> CanonicalId:
    return CanonicalId(venue=venue, type=InstrumentType.SPOT, payload=f"{base}-{quote}")


def _chain(quote: str) -> str:
    """Contracts in dollars proper are margined in the coin, those in a stablecoin in the stablecoin."""
    return INVERSE if quote == "USD" else LINEAR


def _pair(payload: str) -> tuple[str, str] | None:
    base, dash, quote = payload.rpartition("-")
    return (base, quote) if dash and base and quote else None


def _dated(payload: str) -> tuple[str, str, str] | None:
    fields = payload.rsplit("-", 2)
    return (fields[0], fields[1], fields[2]) if len(fields) == 3 else None


# --- Binance: BTCUSDT, BTCUSDT-PERP, BTCUSD-PERP, BTCUSDT_250328 -----------------------------------------------------


def _read_binance(symbol: str, terms: InstrumentTerms) -> CanonicalId | None:
    stem, expiry = symbol.removesuffix("-PERP"), ""
    if dated := re.fullmatch(r"(.+)_(\d{6})", symbol):
        stem, expiry = dated[1], dated[2]
    pair = split_pair(stem, terms)
    if pair is None:
        return None
    base, quote = pair
    if expiry:
        return _future("BINANCE-FUTURES", base, quote, expiry, _chain(quote))
    if symbol.endswith("-PERP"):
        return _perpetual("BINANCE-FUTURES", base, quote, _chain(quote))
    return _spot("BINANCE-SPOT", base, quote)


def _spell_binance(canonical: CanonicalId) -> str | None:
    match canonical.venue, canonical.type:
        case "BINANCE-SPOT", InstrumentType.SPOT:
            pair = _pair(canonical.payload)
            return "".join(pair) if pair else None
        case "BINANCE-FUTURES", InstrumentType.PERPETUAL:
            pair = _pair(canonical.payload)
            return "".join(pair) + "-PERP" if pair else None
        case "BINANCE-FUTURES", InstrumentType.FUTURE:
            dated = _dated(canonical.payload)
            return f"{dated[0]}{dated[1]}_{dated[2]}" if dated else None
    return None


# --- Bybit: BTCUSDT-SPOT, BTCUSDT-LINEAR, BTCPERP-LINEAR (USDC), BTCUSDT-27MAR26-LINEAR, BTCUSDH26-INVERSE, and
# --- BTC-27MAR26-70000-C-USDT-OPTION -------------------------------------------------------------------------------


def _read_bybit(symbol: str, terms: InstrumentTerms) -> CanonicalId | None:
    stem, dash, product = symbol.rpartition("-")
    if not dash:
        return None
    match product:
        case "SPOT":
            pair = split_pair(stem, terms)
            return _spot("BYBIT", *pair) if pair else None
        case "LINEAR":
            return _read_bybit_linear(stem, terms)
        case "INVERSE":
            return _read_bybit_inverse(stem, terms)
        case "OPTION":
            return _read_bybit_option(stem)
    return None


def _read_bybit_linear(stem: str, terms: InstrumentTerms) -> CanonicalId | None:
    name, dash, day = stem.partition("-")
    date = _venue_date(day) if dash else ""
    if date is None:
        return None
    if not dash and name.endswith("PERP"):
        return _perpetual("BYBIT", name.removesuffix("PERP"), "USDC", LINEAR)
    pair = split_pair(name, terms) if not dash or name.endswith("USDT") else (name, "USDC")
    if pair is None:
        return None
    return _future("BYBIT", *pair, date, LINEAR) if dash else _perpetual("BYBIT", *pair, LINEAR)


def _read_bybit_inverse(stem: str, terms: InstrumentTerms) -> CanonicalId | None:
    if dated := re.fullmatch(r"(.+)USD([FGHJKMNQUVXZ]\d\d)", stem):
        return _future("BYBIT", dated[1], "USD", dated[2], INVERSE)
    pair = split_pair(stem, terms)
    return _perpetual("BYBIT", *pair, INVERSE) if pair else None


def _read_bybit_option(stem: str) -> CanonicalId | None:
    found = re.fullmatch(r"([^-]+)-(\w+)-([^-]+)-([CP])(?:-(USDT))?", stem)
    date = _venue_date(found[2]) if found else None
    if found is None or date is None:
        return None
    return _option("BYBIT", found[1], found[5] or "USDC", f"{date}-{found[3]}-{found[4]}", LINEAR)


def _spell_bybit(canonical: CanonicalId) -> str | None:  # noqa: PLR0911 - one spelling a product
    pair, dated = _pair(canonical.payload), _dated(canonical.payload)
    match canonical.type, canonical.chain:
        case InstrumentType.SPOT, "" if pair:
            return "".join(pair) + "-SPOT"
        case InstrumentType.PERPETUAL, "LIN" if pair:
            return f"{pair[0]}PERP-LINEAR" if pair[1] == "USDC" else "".join(pair) + "-LINEAR"
        case InstrumentType.PERPETUAL, "INV" if pair:
            return "".join(pair) + "-INVERSE"
        case InstrumentType.FUTURE, "INV" if dated:
            return "".join(dated) + "-INVERSE"
        case InstrumentType.FUTURE, "LIN" if dated:
            base, quote, date = dated
            return f"{base if quote == 'USDC' else base + quote}-{_spell_date(date)}-LINEAR"
        case InstrumentType.OPTION, "LIN":
            fields = canonical.payload.split("-")
            if len(fields) == 5:
                base, quote, date, strike, right = fields
                usdt = "-USDT" if quote == "USDT" else ""
                return f"{base}-{_spell_date(date)}-{strike}-{right}{usdt}-OPTION"
    return None


# --- OKX: BTC-USDT, BTC-USDT-SWAP, BTC-USD-250328, BTC-USD-250328-50000-C --------------------------------------------


def _read_okx(symbol: str, _terms: InstrumentTerms) -> CanonicalId | None:
    match symbol.split("-"):
        case [base, quote]:
            return _spot("OKX", base, quote)
        case [base, quote, "SWAP"]:
            return _perpetual("OKX", base, quote, _chain(quote))
        case [base, quote, expiry]:
            return _future("OKX", base, quote, expiry, _chain(quote))
        case [base, quote, expiry, strike, right]:
            return _option("OKX", base, quote, f"{expiry}-{strike}-{right}", _chain(quote))
    return None


def _spell_okx(canonical: CanonicalId) -> str | None:
    if canonical.type is InstrumentType.PERPETUAL:
        return f"{canonical.payload}-SWAP"
    known = (InstrumentType.SPOT, InstrumentType.FUTURE, InstrumentType.OPTION)
    return canonical.payload if canonical.type in known else None


# --- Deribit: BTC-PERPETUAL, BTC_USDC-PERPETUAL, BTC-28MAR25, BTC-28MAR25-50000-C, BTC_USDC --------------------------


def _read_deribit(symbol: str, _terms: InstrumentTerms) -> CanonicalId | None:
    head, *rest = symbol.split("-")
    base, underscore, quote = head.partition("_")
    quote, chain = (quote, LINEAR) if underscore else ("USD", INVERSE)
    match rest:
        case [] if underscore:
            return _spot("DERIBIT", base, quote)
        case ["PERPETUAL"]:
            return _perpetual("DERIBIT", base, quote, chain)
        case [day] if date := _venue_date(day):
            return _future("DERIBIT", base, quote, date, chain)
        case [day, strike, ("C" | "P") as right] if date := _venue_date(day):
            return _option("DERIBIT", base, quote, f"{date}-{strike}-{right}", chain)
    return CanonicalId(venue="DERIBIT", type=InstrumentType.SPREAD, payload=symbol) if len(rest) >= 2 else None


def _spell_deribit(canonical: CanonicalId) -> str | None:
    if canonical.type is InstrumentType.SPREAD:
        return canonical.payload
    base, _, rest = canonical.payload.partition("-")
    quote, *more = rest.split("-")
    if canonical.type is InstrumentType.SPOT:
        return None if more else f"{base}_{quote}"
    head = base if canonical.chain == INVERSE else f"{base}_{quote}"
    match canonical.type, more:
        case InstrumentType.PERPETUAL, []:
            return f"{head}-PERPETUAL"
        case InstrumentType.FUTURE, [date]:
            return f"{head}-{_spell_date(date)}"
        case InstrumentType.OPTION, [date, strike, right]:
            return f"{head}-{_spell_date(date)}-{strike}-{right}"
    return None


# --- Kraken: BTC/USD, PI_XBTUSD, PF_XBTUSD, PV_XRPXBT, FI_XBTUSD_250328, FF_XBTUSD_250328 ----------------------------


def _read_kraken(symbol: str, terms: InstrumentTerms) -> CanonicalId | None:
    base, slash, quote = symbol.partition("/")
    if slash:
        return _spot("KRAKEN", base, quote)
    found = re.fullmatch(r"(PI|PF|PV|FI|FF)_([A-Z0-9]+)(?:_(\d{6}))?", symbol)
    pair = split_pair(found[2], terms) if found else None
    if found is None or pair is None:
        return None
    base, quote = (_KRAKEN_ASSETS.get(asset, asset) for asset in pair)
    chain = INVERSE if found[1].endswith("I") else LINEAR
    if found[3]:
        return _future("KRAKEN-FUTURES", base, quote, found[3], chain)
    return _perpetual("KRAKEN-FUTURES", base, quote, chain)


_KRAKEN_ASSETS = {"XBT": "BTC", "XDG": "DOGE"}
_KRAKEN_CODES = {asset: code for code, asset in _KRAKEN_ASSETS.items()}


def _spell_kraken(canonical: CanonicalId) -> str | None:
    if canonical.venue == "KRAKEN":
        pair = _pair(canonical.payload)
        return "/".join(pair) if pair and canonical.type is InstrumentType.SPOT else None
    fields = [_KRAKEN_CODES.get(field, field) for field in canonical.payload.split("-")]
    inverse = canonical.chain == INVERSE
    match canonical.type, fields:
        case InstrumentType.PERPETUAL, [base, quote]:
            prefix = "PI" if inverse else "PV" if quote == "XBT" else "PF"
            return f"{prefix}_{base}{quote}"
        case InstrumentType.FUTURE, [base, quote, date]:
            return f"{'FI' if inverse else 'FF'}_{base}{quote}_{date}"
    return None


# --- Hyperliquid: BTC-USD-PERP, xyz:TSLA-USD-PERP, PURR-USDC-SPOT, +250 ----------------------------------------------


def _read_hyperliquid(symbol: str, _terms: InstrumentTerms) -> CanonicalId | None:
    if symbol.startswith("+"):
        return CanonicalId(venue="HYPERLIQUID", type=InstrumentType.BINARY, payload=symbol)
    pair = _pair(symbol.rpartition("-")[0])
    if pair is None:
        return None
    if symbol.endswith("-PERP"):
        return _perpetual("HYPERLIQUID", *pair, LINEAR)
    return _spot("HYPERLIQUID", *pair) if symbol.endswith("-SPOT") else None


def _spell_hyperliquid(canonical: CanonicalId) -> str | None:
    match canonical.type:
        case InstrumentType.BINARY:
            return canonical.payload
        case InstrumentType.PERPETUAL:
            return f"{canonical.payload}-PERP"
        case InstrumentType.SPOT:
            return f"{canonical.payload}-SPOT"
    return None


def _venue_date(day: str) -> str | None:
    found = re.fullmatch(r"(\d{1,2})([A-Z]{3})(\d\d)", day)
    return join_date(*found.groups()) if found else None


def _spell_date(date: str) -> str:
    fields = split_date(date)
    return "".join(fields) if fields else date


@dataclass(frozen=True)
class _Rules:
    read: Read
    spell: Spell


SPELLERS: Mapping[Adapter, str] = {Adapter.BINANCE: "BINANCE", **FIXED_VENUES}
"""Whose spelling an adapter uses; a replay has that of the venue that its own is named after."""
_RULES = {
    "BINANCE": _Rules(_read_binance, _spell_binance),
    "BYBIT": _Rules(_read_bybit, _spell_bybit),
    "OKX": _Rules(_read_okx, _spell_okx),
    "DERIBIT": _Rules(_read_deribit, _spell_deribit),
    "KRAKEN": _Rules(_read_kraken, _spell_kraken),
    "HYPERLIQUID": _Rules(_read_hyperliquid, _spell_hyperliquid),
}
_ENGINE_VENUES = {
    "BINANCE-SPOT": "BINANCE",
    "BINANCE-FUTURES": "BINANCE",
    "KRAKEN-FUTURES": "KRAKEN",
    **{venue: venue for venue in _RULES},
}
"""The engine's venue of each canonical one."""
