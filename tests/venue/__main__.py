"""`python -m tests.venue`: run the venue until interrupted, and say how to point clients at it."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from tests.venue.control import ControlServer, describe
from tests.venue.venue import Venue, VenueConfig

_GUIDE = """\
Control API  {control}/v1

{rooms}

{accounts}

Nautilus (Binance): base_url_http and base_url_ws as above; base_url_ws of the execution client is
  spot     {spot_ws}/ws-api/v3
  futures  {futures_ws}/ws-fapi/v1, and base_url_ws_stream {futures_ws}
ccxt: replace client.urls["api"]; tests/venue/ccxt_client.py does it.
See tests/venue/README.md for faults, the ledger and everything else. Ctrl-C ends it.
"""


ROOMS = 3
"""Each takes a port after the control API's."""


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535 - ROOMS:
        raise argparse.ArgumentTypeError(f"write 0 to {65_535 - ROOMS}: the rooms take the next {ROOMS} ports")
    return port


def _step(text: str) -> int:
    step = int(text)
    if step < 1:
        raise argparse.ArgumentTypeError("write at least 1")
    return step


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.venue", description="An exchange on loopback.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; there is no protection beyond it")
    parser.add_argument("--port", type=_port, default=9000, help="control API; rooms take the next ones (0: free ones)")
    parser.add_argument("--seed", type=int, default=1, help="decides keys and the market's path")
    parser.add_argument("--market", choices=["off", "still", "random"], default="random", help="the background market")
    parser.add_argument("--step-ms", type=_step, default=200, help="how often the background market moves")
    parser.add_argument("--account", action="append", help="an account to open, repeatable (default desk-a, desk-b)")
    parser.add_argument("--trades", action="append", default=[], metavar="SYMBOL=FILE", help="follow a CSV of trades")
    parser.add_argument("--no-rate-limits", action="store_true", help="never answer 429 or 418 by itself")
    parser.add_argument("--json", action="store_true", help="print one line of JSON instead of the guide")
    return parser.parse_args(arguments)


def config_of(options: argparse.Namespace) -> VenueConfig:
    trades: dict[str, Path] = {}
    for item in options.trades:
        symbol, separator, path = item.partition("=")
        if not separator:
            raise ValueError(f"--trades {item!r}: write SYMBOL=FILE")
        trades[symbol] = Path(path)
    accounts = tuple(options.account or ("desk-a", "desk-b"))
    return VenueConfig(
        seed=options.seed,
        accounts=accounts,
        market=options.market,
        step_ms=options.step_ms,
        trades=trades,
        rate_limits=not options.no_rate_limits,
        host=options.host,
        port=options.port,
    )


def guide(venue: Venue, control: str) -> str:
    known = describe(venue)
    rooms = "\n".join(f"{name:<16} {room['http']}  {room['ws']}" for name, room in known["rooms"].items())
    accounts = "\n".join(
        f"account {c['account']}\n"
        f"  HMAC     {c['api_key']} / {c['api_secret']} (OKX passphrase {c['passphrase']})\n"
        f"  Ed25519  {c['ed25519_api_key']} / {c['ed25519_secret']}"
        for c in known["accounts"]
    )
    return _GUIDE.format(
        control=control,
        rooms=rooms,
        accounts=accounts,
        spot_ws=venue.spot.ws_url,
        futures_ws=venue.futures.ws_url,
    )


async def run(options: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with Venue(config_of(options)) as venue:
        control = ControlServer(venue)
        await control.start(options.port)
        try:
            known = {"control": control.url, **describe(venue)}
            sys.stdout.write(json.dumps(known) + "\n" if options.json else guide(venue, control.url))
            sys.stdout.flush()
            await stopped.wait()
        finally:
            await control.stop()


def main() -> int:
    try:
        asyncio.run(run(parse(sys.argv[1:])))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"venue: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
