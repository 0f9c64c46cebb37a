"""The node of a history: a real process, one life after the other, on the same books."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.ledger.rooms import LedgerRoom
from tests.ledger.servers import DATABASE_URL, REDIS_URL

ROOT = Path(__file__).resolve().parents[2]
TRADER_ID = "LEDGER-001"
POLL_S = 0.02
INTERVAL_MS = 160
"""Between two actions of one strategy; there are four of them."""
DRAIN_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings:
    """What all lives of a history share."""

    room: LedgerRoom
    seed: int
    venue: Mapping[str, Any]
    """What the venue printed about itself."""
    variables: Mapping[str, str]
    """Of the databases."""
    drain: Mapping[str, str]
    module: str = "tests.ledger.trader"
    """Where the strategies are; a planted bug has a module of its own."""
    interval_ms: int = INTERVAL_MS


def run_config(settings: NodeSettings, life: int) -> dict[str, Any]:
    """Return the run-config of one life: only what the strategies draw differs."""
    variables, room = settings.variables, settings.room
    database = {"directory": "books", **({"url_env": DATABASE_URL} if DATABASE_URL in variables else {})}
    return {
        "trading_node": {
            "mode": "Live",
            "trader_id": TRADER_ID,
            # Two on each instrument: what belongs to whom is part of the test.
            "strategies": [
                _strategy(settings, market_number, tag, life)
                for market_number in range(len(room.markets))
                for tag in (1, 2)
            ],
            "venues": [room.venue_section(settings.venue)],
            "state_directory": "state",
            "drain": {**settings.drain, "timeout": f"{DRAIN_S}s"},
            "reconciliation": {"interval": "10s"},
            "http": {"port": 0},
            **({"cache": {"url_env": REDIS_URL}} if REDIS_URL in variables else {}),
        },
        "database": database,
        "logging": {"level": "INFO"},
    }


def _strategy(settings: NodeSettings, market_number: int, tag: int, life: int) -> dict[str, Any]:
    room = settings.room
    market = room.markets[market_number]
    return {
        "name": f"trader-{market_number}{tag}",
        "path": f"{settings.module}:LedgerTrader",
        "config_path": f"{settings.module}:LedgerTraderConfig",
        "order_id_tag": f"{market_number}{tag}",
        "config": {
            "instrument_id": market.instrument_id,
            "seed": settings.seed,
            "life": life,
            # Not in step with each other.
            "interval_ms": settings.interval_ms + 10 * (2 * market_number + tag),
            "lot": market.lot,
            "spacing": market.spacing,
            "start_price": market.price,
            "features": sorted(room.features),
            "spot": bool(market.base),
            **({} if room.hyphens else {"use_hyphens_in_client_order_ids": False}),
        },
    }


class NodeLife:
    """One process of the node, from its start to its end."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self.log = log
        self._heard = 0

    @property
    def ended(self) -> bool:
        return self.process.returncode is not None

    async def until_trading(self, seconds: float) -> bool:
        """Wait until it trades; False when it ended or did not come so far in time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not self.ended and loop.time() < deadline:
            if self._hears("Trading"):
                return True
            await asyncio.sleep(POLL_S)
        return False

    def _hears(self, message: str) -> bool:
        """Return whether a line since the last look is exactly this message, or begins with it and a colon.

        Each line is looked at once: it is asked fifty times a second, while a start needs the processor.
        """
        with self.log.open("rb") as log:
            log.seek(self._heard)
            lines = log.read().rpartition(b"\n")[0]
        self._heard += len(lines)
        said = (_message(line) for line in lines.decode(errors="replace").splitlines() if message in line)
        return any(each == message or each.startswith(f"{message}:") for each in said)

    def last_words(self, lines: int = 15) -> str:
        return "\n".join(self._lines()[-lines:])

    def left_in_journal(self) -> int:
        """Return how many events the node said that it leaves for the next run."""
        for line in reversed(self._lines()):
            words = _message(line)
            if words.startswith("books: ") and " stay in the journal" in words:
                return int(words.split(" stay in the journal")[0].split()[-1])
        return 0

    def _lines(self) -> list[str]:
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()

    def send(self, number: signal.Signals) -> None:
        if not self.ended:
            self.process.send_signal(number)

    async def wait(self, seconds: float) -> int | None:
        """Return the exit code; None when it does not end in time."""
        try:
            return await asyncio.wait_for(self.process.wait(), seconds)
        except TimeoutError:
            return None

    async def kill(self) -> None:
        self.send(signal.SIGKILL)
        await self.process.wait()


def _message(line: str) -> str:
    try:
        return str(json.loads(line).get("message", ""))
    except (ValueError, AttributeError):
        return line


async def start_node(settings: NodeSettings, folder: Path, number: int) -> NodeLife:
    """Start the node on the history's folder; its log is `life-NNN.log` there."""
    config = folder / "ledger.json"
    config.write_text(json.dumps(run_config(settings, number)), encoding="utf-8")
    log = folder / f"life-{number:03}.log"
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TRADING_")},
        **settings.variables,
        **settings.room.keys(settings.venue),
        # The code of this checkout, whatever is installed.
        "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("", "crds/src", "node_image/src")),
        "TRADING_TERMINATION_MESSAGE_PATH": str(folder / "termination.json"),
        # A node that is killed cannot remove its own.
        "TMPDIR": str(temporary),
    }
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "trading_node.cli", "run", "--config", str(config),
            env=variables, stdout=output, stderr=output, stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    return NodeLife(process, log)
