"""Account, positions, leverage and settings of USDT-margined futures."""

from __future__ import annotations

from decimal import Decimal

from tests.venue.binance.errors import BinanceError, invalid, missing
from tests.venue.binance.futures_render import FuturesRender
from tests.venue.binance.room import NS_PER_MS, Call, places
from tests.venue.core.model import Instrument
from tests.venue.floor import Floor
from tests.venue.protocol import Json

ONBOARD_MS = 1_569_398_400_000
DELIVERY_MS = 4_133_404_800_000
MARGIN_TYPES = {"CROSSED": "CROSSED", "ISOLATED": "ISOLATED"}


class FuturesAccount:
    def __init__(self, floor: Floor, render: FuturesRender) -> None:
        self._floor = floor
        self._exchange = floor.exchange
        self._render = render

    def account(self, call: Call) -> Json:
        book = self._exchange.ledger.accounts[call.account]
        assets = sorted({"USDT", *book.assets()})
        balances = [self._render.balance(call.account, asset, book.updated_ns // NS_PER_MS) for asset in assets]
        usdt = next(balance for balance in balances if balance["asset"] == "USDT")
        return {
            "feeTier": 0,
            "canTrade": True,
            "canDeposit": True,
            "canWithdraw": True,
            "multiAssetsMargin": False,
            "tradeGroupId": -1,
            "updateTime": book.updated_ns // NS_PER_MS,
            "totalInitialMargin": usdt["initialMargin"],
            "totalMaintMargin": usdt["maintMargin"],
            "totalWalletBalance": usdt["walletBalance"],
            "totalUnrealizedProfit": usdt["unrealizedProfit"],
            "totalMarginBalance": usdt["marginBalance"],
            "totalPositionInitialMargin": usdt["positionInitialMargin"],
            "totalOpenOrderInitialMargin": usdt["openOrderInitialMargin"],
            "totalCrossWalletBalance": usdt["crossWalletBalance"],
            "totalCrossUnPnl": usdt["crossUnPnl"],
            "availableBalance": usdt["availableBalance"],
            "maxWithdrawAmount": usdt["maxWithdrawAmount"],
            "assets": list(balances),
            "positions": [self._render.position(call.account, i) for i in self._exchange.instruments.values()],
        }

    def balance(self, call: Call) -> Json:
        book = self._exchange.ledger.accounts[call.account]
        return [
            {
                "accountAlias": call.account,
                "asset": asset,
                "balance": f"{book.total(asset):.8f}",
                "crossWalletBalance": f"{book.total(asset):.8f}",
                "crossUnPnl": "0.00000000",
                "availableBalance": f"{max(Decimal(0), self._exchange.funds.available(call.account, asset)):.8f}",
                "maxWithdrawAmount": f"{max(Decimal(0), self._exchange.funds.available(call.account, asset)):.8f}",
                "marginAvailable": True,
                "updateTime": book.updated_ns // NS_PER_MS,
            }
            for asset in sorted({"USDT", *book.assets()})
        ]

    def _instruments(self, call: Call) -> list[Instrument]:
        symbol = call.params.text("symbol")
        return list(self._exchange.instruments.values()) if symbol is None else [self._exchange.instrument(symbol)]

    def position_risk_v2(self, call: Call) -> Json:
        return [self._render.position(call.account, instrument) for instrument in self._instruments(call)]

    def position_risk(self, call: Call) -> Json:
        """Version 3 lists only symbols with a position or an open order."""
        book = self._exchange.ledger.accounts[call.account]
        return [
            self._render.position(call.account, instrument)
            for instrument in self._instruments(call)
            if book.position(instrument.symbol).quantity or self._exchange.open_orders(call.account, instrument.symbol)
        ]

    def symbol_config(self, call: Call) -> Json:
        book = self._exchange.ledger.accounts[call.account]
        return [
            {
                "symbol": instrument.symbol,
                "marginType": "CROSSED",
                "isAutoAddMargin": False,
                "leverage": book.leverage_of(instrument),
                "maxNotionalValue": "100000000",
            }
            for instrument in self._instruments(call)
        ]

    def set_leverage(self, call: Call) -> Json:
        instrument = self._exchange.instrument(call.params.required("symbol"))
        leverage = call.params.integer("leverage")
        if leverage is None:
            raise missing("leverage")
        self._exchange.set_leverage(call.account, instrument.symbol, leverage)
        return {"leverage": leverage, "maxNotionalValue": "100000000", "symbol": instrument.symbol}

    def set_margin_type(self, call: Call) -> Json:
        self._exchange.instrument(call.params.required("symbol"))
        if call.params.choice("marginType", MARGIN_TYPES, invalid("marginType")) == "CROSSED":
            raise BinanceError(-4046, "No need to change margin type.")
        raise BinanceError(-4168, "Unable to adjust to isolated-margin mode under the Multi-Assets mode.")

    def position_mode(self, call: Call) -> Json:
        return {"dualSidePosition": call.account in self._floor.two_way}

    def set_position_mode(self, call: Call) -> Json:
        call.params.required("dualSidePosition")
        on = call.params.boolean("dualSidePosition")
        if on == (call.account in self._floor.two_way):
            raise BinanceError(-4059, "No need to change position side.")
        if not self._floor.set_two_way(call.account, on=on):
            raise BinanceError(-4068, "Position side cannot be changed if there exists position or open orders.")
        return {"code": 200, "msg": "success"}

    def multi_assets_mode(self, _call: Call) -> Json:
        return {"multiAssetsMargin": False}

    def commission_rate(self, call: Call) -> Json:
        instrument = self._exchange.instrument(call.params.required("symbol"))
        return {
            "symbol": instrument.symbol,
            "makerCommissionRate": f"{instrument.maker_fee:.6f}",
            "takerCommissionRate": f"{instrument.taker_fee:.6f}",
        }

    def leverage_brackets(self, call: Call) -> Json:
        return [
            {
                "symbol": instrument.symbol,
                "brackets": [
                    {
                        "bracket": 1,
                        "initialLeverage": instrument.max_leverage,
                        "notionalCap": 100_000_000,
                        "notionalFloor": 0,
                        "maintMarginRatio": float(instrument.maintenance_rate),
                        "cum": 0.0,
                    }
                ],
            }
            for instrument in self._instruments(call)
        ]

    def premium_index(self, call: Call) -> Json:
        items: list[Json] = []
        for instrument in self._instruments(call):
            mark = f"{self._exchange.funds.mark(instrument.symbol):.8f}"
            items.append(
                {
                    "symbol": instrument.symbol,
                    "markPrice": mark,
                    "indexPrice": mark,
                    "estimatedSettlePrice": mark,
                    "lastFundingRate": "0.00010000",
                    "interestRate": "0.00010000",
                    "nextFundingTime": (call.now_ms // 28_800_000 + 1) * 28_800_000,
                    "time": call.now_ms,
                }
            )
        return items[0] if "symbol" in call.params else items

    def exchange_info(self, call: Call) -> Json:
        assets = sorted({instrument.settle for instrument in self._exchange.instruments.values()})
        return {
            "timezone": "UTC",
            "serverTime": call.now_ms,
            "futuresType": "U_MARGINED",
            "rateLimits": [
                {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400},
                {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
                {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
            ],
            "exchangeFilters": [],
            "assets": [{"asset": asset, "marginAvailable": True, "autoAssetExchange": "-10000"} for asset in assets],
            "symbols": [_symbol_info(instrument) for instrument in self._exchange.instruments.values()],
        }


def _symbol_info(instrument: Instrument) -> Json:
    lots: dict[str, Json] = {
        "minQty": f"{instrument.min_quantity:f}",
        "maxQty": f"{instrument.max_quantity:f}",
        "stepSize": f"{instrument.step:f}",
    }
    price: dict[str, Json] = {
        "filterType": "PRICE_FILTER",
        "minPrice": f"{instrument.tick:f}",
        "maxPrice": f"{instrument.max_price:f}",
        "tickSize": f"{instrument.tick:f}",
    }
    return {
        "symbol": instrument.symbol,
        "pair": instrument.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": DELIVERY_MS,
        "onboardDate": ONBOARD_MS,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": instrument.base,
        "quoteAsset": instrument.quote,
        "marginAsset": instrument.settle,
        "pricePrecision": places(instrument.tick),
        "quantityPrecision": places(instrument.step),
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": ["PoW"],
        "settlePlan": 0,
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10_000,
        "filters": [
            price,
            {"filterType": "LOT_SIZE"} | lots,
            {"filterType": "MARKET_LOT_SIZE"} | lots,
            {"filterType": "MAX_NUM_ORDERS", "limit": 200},
            {"filterType": "MIN_NOTIONAL", "notional": f"{instrument.min_notional:f}"},
        ],
        "orderTypes": [
            "LIMIT",
            "MARKET",
            "STOP",
            "STOP_MARKET",
            "TAKE_PROFIT",
            "TAKE_PROFIT_MARKET",
            "TRAILING_STOP_MARKET",
        ],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
    }
