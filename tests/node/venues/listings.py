"""What venues list, in the form in which they answer: made by hand from their documentation, a few instruments each."""

from typing import Any

EXPIRY_MS = 1_774_598_400_000
"""27 March 2026, 8:00 UTC."""
Listed = dict[str, Any]


def _bybit(symbol: str, base: str, quote: str, settle: str, contract: str, *, delivery: int = 0) -> Listed:
    return {
        "symbol": symbol, "contractType": contract, "status": "Trading", "baseCoin": base, "quoteCoin": quote,
        "settleCoin": settle, "launchTime": "1585526400000", "deliveryTime": str(delivery), "deliveryFeeRate": "",
        "priceScale": "2", "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
        "lotSizeFilter": {
            "maxOrderQty": "1190.000", "minOrderQty": "0.001", "qtyStep": "0.001", "postOnlyMaxOrderQty": "1190.000",
            "maxMktOrderQty": "500.000", "minNotionalValue": "5",
        },
        "unifiedMarginTrade": True, "fundingInterval": 480, "copyTrading": "both", "upperFundingRate": "0.00375",
        "lowerFundingRate": "-0.00375", "isPreListing": False, "preListingInfo": None, "displayName": "",
        "riskParameters": {"priceLimitRatioX": "0.01", "priceLimitRatioY": "0.02"},
    }  # fmt: skip


def _bybit_option(symbol: str, quote: str, settle: str, kind: str) -> Listed:
    return {
        "symbol": symbol, "status": "Trading", "baseCoin": "BTC", "quoteCoin": quote, "settleCoin": settle,
        "optionsType": kind, "launchTime": "1672560000000", "deliveryTime": str(EXPIRY_MS), "displayName": "",
        "deliveryFeeRate": "0.00015", "priceFilter": {"minPrice": "5", "maxPrice": "10000000", "tickSize": "5"},
        "lotSizeFilter": {"maxOrderQty": "500", "minOrderQty": "0.01", "qtyStep": "0.01"},
    }  # fmt: skip


BYBIT: dict[str, list[Listed]] = {
    "spot": [
        {
            "symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "innovation": "0", "status": "Trading",
            "marginTrading": "utaOnly", "stTag": "0", "priceFilter": {"tickSize": "0.01"},
            "lotSizeFilter": {
                "basePrecision": "0.000001", "quotePrecision": "0.0000001", "minOrderQty": "0.000011",
                "maxOrderQty": "83", "minOrderAmt": "5", "maxOrderAmt": "8000000", "maxLimitOrderQty": "83",
                "maxMarketOrderQty": "41", "postOnlyMaxLimitOrderSize": "60000",
            },
            "riskParameters": {"priceLimitRatioX": "0.01", "priceLimitRatioY": "0.01"},
        }
    ],
    "linear": [
        _bybit("BTCUSDT", "BTC", "USDT", "USDT", "LinearPerpetual"),
        _bybit("SHIB1000USDT", "SHIB1000", "USDT", "USDT", "LinearPerpetual"),
        _bybit("BTCPERP", "BTC", "USDC", "USDC", "LinearPerpetual"),
        _bybit("BTC-27MAR26", "BTC", "USDC", "USDC", "LinearFutures", delivery=EXPIRY_MS),
        _bybit("BTCUSDT-27MAR26", "BTC", "USDT", "USDT", "LinearFutures", delivery=EXPIRY_MS),
    ],
    "inverse": [
        _bybit("BTCUSD", "BTC", "USD", "BTC", "InversePerpetual"),
        _bybit("BTCUSDH26", "BTC", "USD", "BTC", "InverseFutures", delivery=EXPIRY_MS),
    ],
    "option": [
        _bybit_option("BTC-27MAR26-70000-C", "USD", "USDC", "Call"),
        _bybit_option("BTC-27MAR26-70000-P-USDT", "USDT", "USDT", "Put"),
    ],
}  # fmt: skip


def _deribit(name: str, kind: str, base: str, quote: str, settle: str, **more: Any) -> Listed:
    return {
        "instrument_name": name, "kind": kind, "base_currency": base, "quote_currency": quote,
        "counter_currency": "USD" if settle == base else quote, "settlement_currency": settle, "instrument_id": 1,
        "instrument_type": "reversed" if settle == base else "linear", "tick_size": 0.5, "tick_size_steps": [],
        "contract_size": 10.0, "min_trade_amount": 10.0, "is_active": True, "state": "open", "rfq": False,
        "creation_timestamp": 1_534_242_287_000, "expiration_timestamp": EXPIRY_MS, "settlement_period": "month",
        "maker_commission": 0.0, "taker_commission": 0.0005, "price_index": "btc_usd", "max_leverage": 50,
        "block_trade_commission": 0.00025, "block_trade_min_trade_amount": 200_000, "block_trade_tick_size": 0.01,
        "max_liquidation_commission": 0.0075, "future_type": "reversed", **more,
    }  # fmt: skip


_FOREVER = {"settlement_period": "perpetual", "expiration_timestamp": 32_503_708_800_000}
_OPTION = {"contract_size": 1.0, "min_trade_amount": 0.1, "tick_size": 0.0005}
DERIBIT = [
    _deribit("BTC-PERPETUAL", "future", "BTC", "USD", "BTC", **_FOREVER),
    _deribit("BTC_USDC-PERPETUAL", "future", "BTC", "USDC", "USDC", **_FOREVER),
    _deribit("BTC-27MAR26", "future", "BTC", "USD", "BTC"),
    _deribit("BTC-3APR26", "future", "BTC", "USD", "BTC"),
    _deribit("ETH-26MAR27-4000-C", "option", "ETH", "ETH", "ETH", strike=4000.0, option_type="call", **_OPTION),
    _deribit("XRP_USDC-26MAR27-0d55-P", "option", "XRP", "USDC", "USDC", strike=0.55, option_type="put", **_OPTION),
    _deribit("BTC_USDC", "spot", "BTC", "USDC", "USDC"),
    _deribit("BTC-FS-27MAR26_PERP", "future_combo", "BTC", "USD", "BTC"),
    _deribit("BTC-CS-27MAR26-70000_75000", "option_combo", "BTC", "BTC", "BTC"),
]


def _kraken(alternative: str, name: str, base: str, quote: str) -> Listed:
    return {
        "altname": alternative, "wsname": name, "aclass_base": "currency", "base": base, "aclass_quote": "currency",
        "quote": quote, "lot": "unit", "cost_decimals": 5, "pair_decimals": 5, "lot_decimals": 8, "lot_multiplier": 1,
        "leverage_buy": [2], "leverage_sell": [2], "fees": [[0, 0.4]], "fees_maker": [[0, 0.25]],
        "fee_volume_currency": "ZUSD", "margin_call": 80, "margin_stop": 40, "ordermin": "0.0001", "costmin": "0.5",
        "tick_size": "0.00001", "status": "online",
    }  # fmt: skip


KRAKEN_SPOT = {
    "XXBTZUSD": _kraken("XBTUSD", "XBT/USD", "XXBT", "ZUSD"),
    "XETHXXBT": _kraken("ETHXBT", "ETH/XBT", "XETH", "XXBT"),
    "XDGUSD": _kraken("XDGUSD", "XDG/USD", "XXDG", "ZUSD"),
    "SOLUSD": _kraken("SOLUSD", "SOL/USD", "SOL", "ZUSD"),
}


def _kraken_future(symbol: str, kind: str, base: str, quote: str = "USD", **more: Any) -> Listed:
    return {
        "symbol": symbol, "type": kind, "underlying": "rr_xbtusd", "tickSize": 0.5, "contractSize": 1,
        "tradeable": True, "impactMidSize": 1, "maxPositionSize": 1_000_000, "isin": "",
        "openingDate": "2022-01-01T00:00:00.000Z",
        "marginLevels": [{"contracts": 0, "initialMargin": 0.02, "maintenanceMargin": 0.01}], "mtf": True,
        "fundingRateCoefficient": 24, "maxRelativeFundingRate": 0.001, "contractValueTradePrecision": 4, "tags": [],
        "postOnly": False, "feeScheduleUid": "a", "base": base, "quote": quote, "pair": f"{base}:{quote}",
        "category": "", **more,
    }  # fmt: skip


_DATED = {"lastTradingTime": "2026-03-27T15:00:00.000Z"}
KRAKEN_FUTURES = [
    _kraken_future("PI_XBTUSD", "futures_inverse", "BTC"),
    _kraken_future("PF_XBTUSD", "flexible_futures", "BTC"),
    _kraken_future("PF_ETHUSD", "flexible_futures", "ETH"),
    _kraken_future("FI_XBTUSD_260327", "futures_inverse", "BTC", **_DATED),
    _kraken_future("FF_XBTUSD_260327", "flexible_futures", "BTC", **_DATED),
]


def _okx(name: str, kind: str, **more: Any) -> Listed:
    return {
        "instType": kind, "instId": name, "uly": "", "instFamily": "", "category": "1", "baseCcy": "", "quoteCcy": "",
        "settleCcy": "", "ctVal": "0.01", "ctMult": "1", "ctValCcy": "", "optType": "", "stk": "", "expTime": "",
        "listTime": "1548133413000", "lever": "10", "tickSz": "0.1", "lotSz": "0.1", "minSz": "0.1", "ctType": "",
        "alias": "", "state": "live", "maxLmtSz": "999999999", "maxMktSz": "1000000", "maxTwapSz": "9999",
        "maxIcebergSz": "9999", "maxTriggerSz": "9999", "maxStopSz": "1000000", "ruleType": "normal",
        "maxLmtAmt": "20000000", "maxMktAmt": "1000000", "instIdCode": 1, "auctionEndTime": "", "contTdSwTime": "",
        "openType": "", "tradeQuoteCcyList": [], "groupId": "1", "preMktSwTime": "", "futureSettlement": False, **more,
    }  # fmt: skip


def _on(pair: str, settle: str, kind: str) -> Listed:
    value = "USD" if kind == "inverse" else "BTC"
    return {"uly": pair, "instFamily": pair, "settleCcy": settle, "ctValCcy": value, "ctType": kind}


_SOON = {"expTime": str(EXPIRY_MS), "alias": "quarter"}
OKX: dict[str, list[Listed]] = {
    "SPOT": [_okx("BTC-USDT", "SPOT", baseCcy="BTC", quoteCcy="USDT")],
    "SWAP": [
        _okx("BTC-USDT-SWAP", "SWAP", **_on("BTC-USDT", "USDT", "linear")),
        _okx("BTC-USD-SWAP", "SWAP", **_on("BTC-USD", "BTC", "inverse")),
    ],
    "FUTURES": [
        _okx("BTC-USDT-260327", "FUTURES", **_on("BTC-USDT", "USDT", "linear"), **_SOON),
        _okx("BTC-USD-260327", "FUTURES", **_on("BTC-USD", "BTC", "inverse"), **_SOON),
    ],
    "OPTION": [
        _okx(
            "BTC-USD-260327-70000-C", "OPTION", optType="C", stk="70000", expTime=str(EXPIRY_MS),
            **{**_on("BTC-USD", "BTC", ""), "ctVal": "1", "ctMult": "0.01"},
        )
    ],
}  # fmt: skip
