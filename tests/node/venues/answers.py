"""Venues on loopback that answer what they list, for Nautilus' own clients to make instruments of."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from tests.node.venues import listings


@asynccontextmanager
async def answering() -> AsyncIterator[str]:
    """Answer as any of the venues, at the address that this yields."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def answer(request: web.Request) -> web.Response:
    """Answer as any of the venues: their paths differ."""
    match request.path:
        case "/v5/market/instruments-info":
            category = request.query["category"]
            result = {"category": category, "list": listings.BYBIT[category], "nextPageCursor": ""}
            return web.json_response({"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": 1})
        case "/api/v2":
            asked = json.loads(await request.text())
            found = listings.DERIBIT if asked["method"] == "public/get_instruments" else []
            timing = {"usIn": 1, "usOut": 2, "usDiff": 1, "testnet": False}
            return web.json_response({"jsonrpc": "2.0", "id": asked["id"], "result": found, **timing})
        case "/0/public/AssetPairs":
            tokenized = "aclass_base" in request.query
            return web.json_response({"error": [], "result": {} if tokenized else listings.KRAKEN_SPOT})
        case "/derivatives/api/v3/instruments":
            time = "2026-01-01T00:00:00.000Z"
            return web.json_response({"result": "success", "instruments": listings.KRAKEN_FUTURES, "serverTime": time})
        case "/api/v5/public/instruments":
            return web.json_response({"code": "0", "msg": "", "data": listings.OKX[request.query["instType"]]})
    return web.json_response({"code": "1", "msg": "not known here", "data": []})
