"""An unmodified ccxt client, told where the venue is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ccxt.async_support as ccxt

from tests.venue.venue import Venue

FUTURES_APIS = ("fapiPublic", "fapiPublicV2", "fapiPublicV3", "fapiPrivate", "fapiPrivateV2", "fapiPrivateV3")


def _version(api: str) -> str:
    return api[-2:].lower() if api[-2:] in ("V2", "V3") else "v1"


@asynccontextmanager
async def spot_client(venue: Venue, account: str) -> AsyncIterator[Any]:
    """Yield `ccxt.binance` for spot with its URLs on the venue."""
    credentials = venue.credentials(account)
    client = ccxt.binance({"apiKey": credentials.api_key, "secret": credentials.api_secret})
    client.options["fetchMarkets"] = {"types": ["spot"]}
    client.options["fetchCurrencies"] = False
    client.has["fetchCurrencies"] = False
    client.enableRateLimit = False
    for api in ("public", "private"):
        client.urls["api"][api] = f"{venue.spot.url}/api/v3"
    client.urls["api"]["sapi"] = f"{venue.spot.url}/sapi/v1"
    try:
        await client.load_markets()
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def futures_client(venue: Venue, account: str, **extra: Any) -> AsyncIterator[Any]:
    """Yield `ccxt.binanceusdm` with its URLs on the venue."""
    credentials = venue.credentials(account)
    client = ccxt.binanceusdm({"apiKey": credentials.api_key, "secret": credentials.api_secret, **extra})
    client.options["fetchMarkets"] = {"types": ["linear"]}
    client.options["fetchCurrencies"] = False
    client.has["fetchCurrencies"] = False
    client.enableRateLimit = False
    for api in FUTURES_APIS:
        client.urls["api"][api] = f"{venue.futures.url}/fapi/{_version(api)}"
    try:
        await client.load_markets()
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def okx_client(venue: Venue, account: str) -> AsyncIterator[Any]:
    """Yield `ccxt.okx` with its URL on the venue."""
    credentials = venue.credentials(account)
    client = ccxt.okx(
        {"apiKey": credentials.api_key, "secret": credentials.api_secret, "password": credentials.passphrase}
    )
    client.options["fetchMarkets"] = {"types": ["spot", "swap"]}
    client.has["fetchCurrencies"] = False
    client.enableRateLimit = False
    client.urls["api"]["rest"] = venue.okx.url
    try:
        await client.load_markets()
        yield client
    finally:
        await client.close()
