"""The control API: everything that a test does to the venue from another process, as JSON over HTTP on its own port."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, is_dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any

from aiohttp import web

from tests.venue.core.model import OrderKind, OrderRequest, RefusalError, Side, TimeInForce
from tests.venue.faults import Fault
from tests.venue.server import listen
from tests.venue.venue import Market, Venue

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def plain_json(value: Any) -> Any:
    """Turn dataclasses, Decimals and enums into JSON: Decimals become strings, nothing becomes a float."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain_json(asdict(value))
    if isinstance(value, dict):
        return {str(key): plain_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(each) for each in value]
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.value if isinstance(value, Enum) else value


def ledger_of(market: Market, account: str) -> dict[str, Any]:
    """Return everything the venue knows about an account: the truth to compare with."""
    exchange = market.exchange
    book = exchange.ledger.accounts[account]
    held = [exchange.holding(account, symbol) for symbol, position in book.positions.items() if position.quantity]
    events = [
        {"type": type(event).__name__, **asdict(event)} for event in exchange.journal.events if event.account == account
    ]
    orders = [
        {**asdict(order), "average_price": order.average_price, "remaining": order.remaining}
        for order in exchange.account_orders(account)
    ]
    data = {
        "account": account,
        "balances": {a: {"free": book.free[a], "locked": book.locked[a]} for a in book.assets()},
        "positions": held,
        "orders": orders,
        "conditionals": market.server.floor.conditionals.history(account),
        "fills": list(exchange.account_fills(account)),
        "events": events,
        "imbalance": exchange.ledger.imbalance(exchange.instruments),
    }
    plain: dict[str, Any] = plain_json(data)
    return plain


def describe(venue: Venue) -> dict[str, Any]:
    """Say where everything is and how to log in."""
    return {
        "seed": venue.config.seed,
        "rooms": {
            name: {"http": market.url, "ws": market.ws_url, "symbols": list(market.exchange.instruments)}
            for name, market in venue.markets.items()
        },
        "accounts": [asdict(credentials) for credentials in venue.keys.all()],
    }


class ControlServer:
    """See README.md for the endpoints. Errors are 400 or 404 with `{"error": what to write instead}`."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://{self._venue.config.host}:{self.port}"

    async def start(self, port: int = 0) -> None:
        app = web.Application(middlewares=[_explain])
        app.router.add_get("/v1", self._describe)
        app.router.add_get("/v1/faults", self._list_faults)
        app.router.add_post("/v1/faults", self._add_fault)
        app.router.add_delete("/v1/faults", self._clear_faults)
        app.router.add_delete("/v1/faults/{id}", self._remove_fault)
        app.router.add_post("/v1/accounts", self._open_account)
        app.router.add_get("/v1/{room}/ledger/{account}", self._ledger)
        app.router.add_post("/v1/{room}/orders", self._place)
        app.router.add_post("/v1/{room}/cancel", self._cancel)
        app.router.add_post("/v1/{room}/fill", self._fill)
        app.router.add_post("/v1/{room}/deposit", self._deposit)
        app.router.add_get("/v1/{room}/prices", self._prices)
        app.router.add_post("/v1/{room}/price", self._price)
        app.router.add_post("/v1/market", self._run_market)
        app.router.add_post("/v1/{room}/step", self._step)
        app.router.add_post("/v1/{room}/disconnect", self._disconnect)
        self._runner, self.port = await listen(app, self._venue.config.host, port)

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def _market(self, request: web.Request) -> Market:
        name = request.match_info["room"]
        if name not in self._venue.markets:
            raise KeyError(f"no room {name!r}; there are {sorted(self._venue.markets)}")
        return self._venue.markets[name]

    async def _describe(self, _request: web.Request) -> web.Response:
        return _reply(describe(self._venue))

    async def _list_faults(self, _request: web.Request) -> web.Response:
        return _reply([{"id": a.id, "seen": a.seen, "hits": a.hits, **asdict(a.fault)} for a in self._venue.faults])

    async def _add_fault(self, request: web.Request) -> web.Response:
        return _reply({"id": self._venue.faults.add(Fault.from_json(await _body(request)))})

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self._venue.faults.clear()
        return _reply({})

    async def _remove_fault(self, request: web.Request) -> web.Response:
        self._venue.faults.remove(int(request.match_info["id"]))
        return _reply({})

    async def _open_account(self, request: web.Request) -> web.Response:
        return _reply(asdict(self._venue.open_account(str((await _body(request))["account"]))))

    async def _ledger(self, request: web.Request) -> web.Response:
        market, account = self._market(request), request.match_info["account"]
        if account not in market.exchange.ledger.accounts:
            raise KeyError(f"no account {account!r}; there are {sorted(market.exchange.ledger.accounts)}")
        return _reply(ledger_of(market, account))

    async def _place(self, request: web.Request) -> web.Response:
        market, body = self._market(request), await _body(request)
        price = body.get("price")
        order = market.place(
            OrderRequest(
                account=str(body["account"]),
                symbol=str(body["symbol"]),
                side=Side(body["side"]),
                kind=OrderKind.LIMIT if price is not None else OrderKind.MARKET,
                quantity=Decimal(body["quantity"]),
                price=None if price is None else Decimal(price),
                client_id=str(body.get("client_id", "")),
                time_in_force=TimeInForce(body.get("time_in_force", "GTC")),
            )
        )
        return _reply(plain_json(order))

    async def _cancel(self, request: web.Request) -> web.Response:
        market, body = self._market(request), await _body(request)
        return _reply(plain_json(market.cancel(str(body["account"]), int(body["order_id"]))))

    async def _fill(self, request: web.Request) -> web.Response:
        market, body = self._market(request), await _body(request)
        quantity = body.get("quantity")
        return _reply(plain_json(market.fill(int(body["order_id"]), None if quantity is None else Decimal(quantity))))

    async def _deposit(self, request: web.Request) -> web.Response:
        market, body = self._market(request), await _body(request)
        market.deposit(str(body["account"]), str(body["asset"]), Decimal(body["amount"]))
        return _reply({})

    async def _prices(self, request: web.Request) -> web.Response:
        backgrounds = self._market(request).backgrounds
        return _reply({symbol: background.price for symbol, background in backgrounds.items()})

    async def _run_market(self, request: web.Request) -> web.Response:
        body = await _body(request)
        if not isinstance(body.get("running"), bool):
            raise ValueError("write `running`: true or false")
        self._venue.market_runs = body["running"]
        return _reply({})

    async def _price(self, request: web.Request) -> web.Response:
        market, body = self._market(request), await _body(request)
        market.set_price(str(body["symbol"]), Decimal(body["price"]))
        return _reply({})

    async def _step(self, request: web.Request) -> web.Response:
        self._market(request).step(int((await _body(request)).get("times", 1)))
        return _reply({})

    async def _disconnect(self, request: web.Request) -> web.Response:
        self._market(request).server.disconnect_all()
        return _reply({})


async def _body(request: web.Request) -> dict[str, Any]:
    text = await request.text()
    body = json.loads(text) if text else {}
    if not isinstance(body, dict):
        raise TypeError("the body must be a JSON object")
    return body


def _reply(body: Any, status: int = 200) -> web.Response:
    return web.json_response(plain_json(body), status=status)


@web.middleware
async def _explain(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except KeyError as error:
        return _reply({"error": f"missing or unknown: {error.args[0] if error.args else error}"}, 404)
    except RefusalError as error:
        return _reply({"error": str(error), "reason": error.reason.name}, 409)
    except (ValueError, TypeError, InvalidOperation) as error:
        return _reply({"error": str(error) or "a number is malformed"}, 400)
