"""Our node and a bare one, each a process on the venue simulator's Binance futures, with the same strategy."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.venue.venue import Venue
from trading_api.risk import RiskLimits

ROOT = Path(__file__).resolve().parents[2]
INSTRUMENT = "BTCUSDT-PERP.BINANCE"
SYMBOL = "BTCUSDT"
PRICE = 50_000.0
POLL_SECONDS = 0.01
START_SECONDS = 60.0
STOP_SECONDS = 30.0
OURS, BARE = "desk-a", "desk-b"
"""Accounts."""

TYPICAL_LIMITS = RiskLimits(
    max_orders_per_second=1_000,
    max_orders_per_minute=50_000,
    max_order_notional="100000",
    max_position_notional="1000000",
    max_gross_notional="2000000",
    price_tolerance="0.05",
    max_reference_age_seconds=3_600,
    max_daily_loss="50000",
)
"""What a desk would write; none of it is reached."""


@dataclass(frozen=True)
class Turn:
    """What one turn of the pacer gave."""

    sent_ns: dict[str, int]
    """When each order was sent, by client order id."""
    thread_seconds: float
    """Processor time of the trading thread."""
    process_seconds: float
    """Processor time of the whole process."""


class LiveNode:
    """A running node and its pacer."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self.process = process
        self.log = folder / "log"
        self._turns = folder / "turns"
        self._count = 0

    async def turn(self, orders: int, interval: float) -> Turn:
        """Have the pacer send so many orders, one each interval, and wait until all are cancelled."""
        go = self._turns / f"{self._count}.go"
        part = go.with_suffix(".told")
        part.write_text(json.dumps({"orders": orders, "interval": interval}))
        part.rename(go)
        done = go.with_suffix(".done")
        await self._until(done.exists, 30 + orders * interval * 4)
        self._count += 1
        result = json.loads(done.read_text())
        return Turn(result["sent"], result["thread"], result["process"])

    def says(self, text: str) -> bool:
        return text in self.log.read_text(encoding="utf-8", errors="replace")

    async def until_says(self, text: str) -> None:
        await self._until(lambda: self.says(text), START_SECONDS)

    async def _until(self, holds: Callable[[], bool], seconds: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not holds():
            if self.process.returncode is not None or loop.time() > deadline:
                tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
                raise RuntimeError(f"the node ended or did not come so far within {seconds:.0f} s:\n{tail}")
            await asyncio.sleep(POLL_SECONDS)


@contextlib.asynccontextmanager
async def our_node(venue: Venue, folder: Path, database: str = "", **section: Any) -> AsyncIterator[LiveNode]:
    """Run our node with typical limits and books until the block ends; database: a URL, or the embedded one."""
    keys = venue.credentials(OURS)
    variables = {"BENCH_API_KEY": keys.api_key, "BENCH_API_SECRET": keys.api_secret, "BENCH_DATABASE": database}
    http, ws = venue.futures.url, venue.futures.ws_url
    config = {
        "trading_node": {
            "mode": "Live",
            "trader_id": "OURS-001",
            "strategies": [
                {
                    "name": "pacer",
                    "path": "tests.bench.pacer:Pacer",
                    "config_path": "tests.bench.pacer:PacerConfig",
                    "order_id_tag": "1",
                    "config": {"instrument_id": INSTRUMENT, "folder": str(folder / "turns"), "price": PRICE},
                }
            ],
            "venues": [
                {
                    "name": "BINANCE",
                    "adapter": "Binance",
                    "environment": "Live",
                    "account": OURS,
                    "credentials": {"env_prefix": "BENCH"},
                    "instruments": [INSTRUMENT],
                    "binance": {"account_type": "UsdtFutures"},
                    "endpoints": {
                        "http": http, "data_stream": ws, "trade_stream": f"{ws}/ws-fapi/v1", "user_stream": ws,
                    },
                }
            ],
            "state_directory": "state",
            "http": {"port": 0},
            **section,
        },
        "risk_engine": TYPICAL_LIMITS.model_dump(mode="json", by_alias=False, exclude_none=True),
        "database": {"directory": "books", **({"url_env": "BENCH_DATABASE"} if database else {})},
    }  # fmt: skip
    arguments = ("-m", "trading_node.cli", "run", "--config")
    async with _process(folder, config, arguments, variables) as node:
        yield node


@contextlib.asynccontextmanager
async def bare_node(venue: Venue, folder: Path) -> AsyncIterator[LiveNode]:
    """Run a bare Nautilus node until the block ends."""
    keys = venue.credentials(BARE)
    config = {
        "url": venue.futures.url, "ws_url": venue.futures.ws_url,
        "api_key": keys.api_key, "api_secret": keys.api_secret,
        "instrument_id": INSTRUMENT, "folder": str(folder / "turns"), "price": PRICE,
    }  # fmt: skip
    async with _process(folder, config, ("-m", "tests.bench.bare_node"), {}) as node:
        yield node


@contextlib.asynccontextmanager
async def _process(
    folder: Path, config: dict[str, Any], arguments: tuple[str, ...], variables: dict[str, str]
) -> AsyncIterator[LiveNode]:
    (folder / "turns").mkdir(parents=True, exist_ok=True)
    file = folder / "config.json"
    file.write_text(json.dumps(config))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRADING_")}
    environment |= {"PYTHONPATH": str(ROOT), "TRADING_TERMINATION_MESSAGE_PATH": str(folder / "termination.json")}
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, str(file),
            env=environment | variables, cwd=folder, stdout=log, stderr=log, stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    try:
        yield LiveNode(process, folder)
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
