"""The venue in a process of its own, with a small client of its control API."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

_ROOT = Path(__file__).resolve().parents[2]
STOP_S = 10


class VenueProcess:
    """`info` is what the venue printed: control URL, rooms, accounts with their keys."""

    def __init__(self, info: dict[str, Any], session: aiohttp.ClientSession, pid: int) -> None:
        self.info = info
        self.pid = pid
        self._session = session

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call the control API; an error reply becomes a RuntimeError with its words."""
        async with self._session.request(method, f"{self.info['control']}/v1{path}", json=body) as reply:
            answer = await reply.json()
            if reply.status != 200:
                raise RuntimeError(f"{method} {path}: {answer['error']}")
            return answer

    async def ledger(self, room: str, account: str) -> dict[str, Any]:
        ledger: dict[str, Any] = await self.call("GET", f"/{room}/ledger/{account}")
        return ledger

    async def add_fault(self, **fault: Any) -> int:
        return int((await self.call("POST", "/faults", fault))["id"])


@asynccontextmanager
async def venue_process(*arguments: str) -> AsyncIterator[VenueProcess]:
    """Run `python -m tests.venue` on free ports until the block ends."""
    command = [sys.executable, "-m", "tests.venue", "--port", "0", "--json", *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=_ROOT)
    try:
        assert process.stdout is not None
        line = await process.stdout.readline()
        if not line:
            raise RuntimeError(f"the venue ended with {await process.wait()} before it spoke")
        async with aiohttp.ClientSession() as session:
            yield VenueProcess(json.loads(line), session, process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), STOP_S)
