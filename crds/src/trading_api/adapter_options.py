"""Typed options of each venue adapter, as NautilusTrader knows them."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from trading_api.base import ApiModel
from trading_api.fields import Matches, keyed_by
from trading_api.rules import Rule, RuleOfEach

VenueSymbol = Annotated[
    str,
    Field(min_length=1, max_length=32),
    Matches(r"[A-Z0-9][-_A-Z0-9]*", "write the venue's own symbol in capital letters, such as BTCUSDT"),
]
ReceiveWindow = Annotated[int, Field(ge=100, le=60_000)]
EvmAddress = Annotated[
    str,
    Field(min_length=42, max_length=42),
    Matches(r"0x[0-9a-fA-F]{40}", "write an address, 0x and 40 hexadecimal digits"),
]
Host = Annotated[
    str,
    Field(min_length=1, max_length=253),
    Matches(r"[A-Za-z0-9][-A-Za-z0-9.]*", "write a host's name or IPv4 address, without a port, such as ib-gateway"),
]


class SymbolLeverage(ApiModel):
    """Leverage of one instrument."""

    symbol: VenueSymbol
    """The venue's own symbol, such as BTCUSDT."""
    leverage: Annotated[int, Field(ge=1, le=125)]
    """Times own money that positions may be."""


Leverages = Annotated[
    tuple[SymbolLeverage, ...], Field(min_length=1, max_length=64, json_schema_extra=keyed_by("symbol"))
]


def _leverages_once() -> RuleOfEach:
    def offenders(options: Any) -> list[str]:  # noqa: ANN401  # options of Binance or of Bybit
        symbols = [entry.symbol for entry in options.leverages or ()]
        return [symbol for symbol in symbols if symbols.count(symbol) > 1]

    return RuleOfEach(
        at="leverages",
        cel=None,  # the API server keeps the list by this field, as a map
        offenders=offenders,
        says="write one leverage for each symbol",
    )


class BinanceAccountType(StrEnum):
    """Which of Binance's markets is traded."""

    SPOT = "Spot"
    USDT_FUTURES = "UsdtFutures"
    COIN_FUTURES = "CoinFutures"


class BinanceOptions(ApiModel):
    """Options of the adapter Binance."""

    account_type: BinanceAccountType
    """Which of Binance's markets is traded; another one is another venue with a name of its own."""
    aggregate_trades: bool = False
    """Whether trades at one price by one taker order arrive as one."""
    receive_window_milliseconds: ReceiveWindow | None = None
    """Age at which Binance refuses a signed request; absent: 5000."""
    leverages: Leverages | None = None
    """Leverage to set at the start, by Binance's own symbol; absent: what the account has."""

    rules = (
        _leverages_once(),
        Rule(
            at="leverages",
            cel="!has(self.leverages) || self.accountType != 'Spot'",
            holds=lambda o: o.leverages is None or o.account_type is not BinanceAccountType.SPOT,
            says="Spot does not lend: remove it, or write UsdtFutures or CoinFutures as {account_type}",
        ),
    )


class BybitProductType(StrEnum):
    """A group of Bybit's instruments."""

    SPOT = "Spot"
    LINEAR = "Linear"
    INVERSE = "Inverse"
    OPTION = "Option"


class BybitMarginMode(StrEnum):
    """How Bybit's unified account holds margin."""

    ISOLATED = "Isolated"
    CROSS = "Cross"
    PORTFOLIO = "Portfolio"


class BybitOptions(ApiModel):
    """Options of the adapter Bybit."""

    product_types: Annotated[tuple[BybitProductType, ...], Field(min_length=1, max_length=4)]
    """Groups of instruments that are traded; Spot stands alone."""
    margin_mode: BybitMarginMode | None = None
    """How margin is held, set at the start; absent: what the account has."""
    receive_window_milliseconds: ReceiveWindow | None = None
    """Age at which Bybit refuses a signed request; absent: 5000."""
    leverages: Leverages | None = None
    """Leverage to set at the start, by Bybit's own symbol; absent: what the account has."""

    rules = (
        _leverages_once(),
        Rule(
            at="product_types",
            cel="self.productTypes.all(t, t == 'Spot') || !('Spot' in self.productTypes)",
            holds=lambda o: (
                BybitProductType.SPOT not in o.product_types or set(o.product_types) == {o.product_types[0]}
            ),
            says="Spot has an account of its own and cannot be mixed with others: write Spot alone, or remove it",
        ),
        Rule(
            at="leverages",
            cel="!has(self.leverages) || !('Spot' in self.productTypes)",
            holds=lambda o: o.leverages is None or BybitProductType.SPOT not in o.product_types,
            says="Spot does not lend here: remove it",
        ),
    )


class OkxInstrumentType(StrEnum):
    """A group of OKX's instruments."""

    SPOT = "Spot"
    MARGIN = "Margin"
    SWAP = "Swap"
    FUTURES = "Futures"
    OPTION = "Option"


class OkxContractType(StrEnum):
    """What OKX's derivatives are margined and settled in."""

    LINEAR = "Linear"
    INVERSE = "Inverse"


class OkxRegion(StrEnum):
    """Where an OKX account is registered."""

    GLOBAL = "Global"
    EEA = "EEA"
    US = "US"


class OkxMarginMode(StrEnum):
    """Whether positions share OKX's margin."""

    ISOLATED = "Isolated"
    CROSS = "Cross"


class OkxOptions(ApiModel):
    """Options of the adapter OKX."""

    instrument_types: Annotated[tuple[OkxInstrumentType, ...], Field(min_length=1, max_length=5)]
    """Groups of instruments that are traded."""
    instrument_families: Annotated[tuple[VenueSymbol, ...], Field(min_length=1, max_length=16)] | None = None
    """Families to load, such as BTC-USD; required for Option, absent: all."""
    contract_types: Annotated[tuple[OkxContractType, ...], Field(min_length=1, max_length=2)] | None = None
    """Which derivatives to load; absent: both."""
    region: OkxRegion = OkxRegion.GLOBAL
    """Where the account is registered."""
    margin_mode: OkxMarginMode | None = None
    """Whether positions share margin; absent: Isolated."""
    spot_margin: bool | None = None
    """Whether spot is traded with margin; absent: no."""

    rules = (
        Rule(
            at="instrument_families",
            required=True,
            cel="!('Option' in self.instrumentTypes) || has(self.instrumentFamilies)",
            holds=lambda o: OkxInstrumentType.OPTION not in o.instrument_types or o.instrument_families is not None,
            says="OKX lists options by family: add {instrument_families}, such as BTC-USD",
        ),
    )


class DeribitProductType(StrEnum):
    """A group of Deribit's instruments."""

    FUTURE = "Future"
    OPTION = "Option"
    SPOT = "Spot"
    FUTURE_COMBO = "FutureCombo"
    OPTION_COMBO = "OptionCombo"


class DeribitOptions(ApiModel):
    """Options of the adapter Deribit."""

    product_types: Annotated[tuple[DeribitProductType, ...], Field(min_length=1, max_length=5)]
    """Groups of instruments that are traded."""


class KrakenProductType(StrEnum):
    """Which of Kraken's exchanges is traded on."""

    SPOT = "Spot"
    FUTURES = "Futures"


class KrakenAccountType(StrEnum):
    """Whether spot is traded with Kraken's money."""

    CASH = "Cash"
    MARGIN = "Margin"


class KrakenOptions(ApiModel):
    """Options of the adapter Kraken."""

    product_type: KrakenProductType
    """Which of Kraken's exchanges is traded on; each has keys of its own."""
    spot_account_type: KrakenAccountType | None = None
    """Whether spot is traded with margin; absent: Cash."""
    default_leverage: Annotated[int, Field(ge=2, le=10)] | None = None
    """Leverage of spot margin orders that name none; absent: none is sent."""

    rules = (
        Rule(
            at="spot_account_type",
            cel="!has(self.spotAccountType) || self.productType == 'Spot'",
            holds=lambda o: o.spot_account_type is None or o.product_type is KrakenProductType.SPOT,
            says="Futures always have margin: remove it",
        ),
        Rule(
            at="default_leverage",
            cel="!has(self.defaultLeverage) || (has(self.spotAccountType) && self.spotAccountType == 'Margin')",
            holds=lambda o: o.default_leverage is None or o.spot_account_type is KrakenAccountType.MARGIN,
            says="only a spot account with margin lends: remove it, or write Margin as {spot_account_type}",
        ),
    )


class HyperliquidProductType(StrEnum):
    """A group of Hyperliquid's instruments."""

    PERP = "Perp"
    PERP_HIP3 = "PerpHip3"
    SPOT = "Spot"
    OUTCOME = "Outcome"


class HyperliquidOptions(ApiModel):
    """Options of the adapter Hyperliquid."""

    product_types: Annotated[tuple[HyperliquidProductType, ...], Field(min_length=1, max_length=4)]
    """Groups of instruments that are traded."""
    account_address: EvmAddress | None = None
    """The main account's address, where the key is an API wallet's; absent: the key's own."""
    vault_address: EvmAddress | None = None
    """The vault that is traded for; absent: none."""


class MarketDataType(StrEnum):
    """Which market data Interactive Brokers sends."""

    REAL_TIME = "RealTime"
    FROZEN = "Frozen"
    DELAYED = "Delayed"
    DELAYED_FROZEN = "DelayedFrozen"


class InteractiveBrokersOptions(ApiModel):
    """Options of the adapter InteractiveBrokers: the gateway, which holds the login."""

    host: Host
    """Where IB Gateway or Trader Workstation listens."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Its port; absent: the gateway's own, 4001 in environment Live and 4002 in Demo."""
    client_id: Annotated[int, Field(ge=1, le=999)] = 1
    """Number of this client at the gateway; orders belong to it, so it must stay the same."""
    account_id: (
        Annotated[
            str,
            Field(min_length=2, max_length=16),
            Matches(r"[A-Z]{1,4}[0-9]{1,12}", "write the account's number, such as U1234567"),
        ]
        | None
    ) = None
    """The account that the gateway is logged in to; required in mode Live."""
    market_data_type: MarketDataType = MarketDataType.REAL_TIME
    """Real-time data needs subscriptions; Delayed needs none."""
    regular_trading_hours: bool = True
    """Whether bars leave out trades outside of regular trading hours."""
