"""The venue in a process of its own, with a small client of its control API.

The client blocks. Calls take a millisecond or two; who has an event loop to keep running calls from a thread.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
_ANSWER_S = 30
STOP_S = 30


class VenueProcess:
    """`info` is what the venue printed: control URL, rooms, accounts with their keys."""

    def __init__(self, info: dict[str, Any], pid: int) -> None:
        self.info = info
        self.pid = pid
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call the control API; an error reply becomes a RuntimeError with its words."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310  # the address is the process' own
            f"{self.info['control']}/v1{path}", data, method=method, headers={"Content-Type": "application/json"}
        )
        try:
            with self._opener.open(request, timeout=_ANSWER_S) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            with error:
                raise RuntimeError(f"{method} {path}: {json.load(error)['error']}") from error

    def ledger(self, room: str, account: str) -> dict[str, Any]:
        ledger: dict[str, Any] = self.call("GET", f"/{room}/ledger/{account}")
        return ledger

    def add_fault(self, **fault: Any) -> int:
        return int(self.call("POST", "/faults", fault)["id"])

    def clear_faults(self) -> None:
        self.call("DELETE", "/faults")

    def open_account(self, name: str) -> VenueAccount:
        """Open an account with the usual purse; one that is there already is taken as it is."""
        self.call("POST", "/accounts", {"account": name})
        self.info = self.call("GET", "") | {"control": self.info["control"]}
        return VenueAccount(self, name)


class VenueAccount:
    """One account of a venue that goes on after it: as good as a new venue, and there at once."""

    def __init__(self, venue: VenueProcess, name: str) -> None:
        self.venue = venue
        self.name = name

    @property
    def info(self) -> dict[str, Any]:
        return self.venue.info

    @property
    def pid(self) -> int:
        return self.venue.pid

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return self.venue.call(method, path, body)

    def ledger(self, room: str) -> dict[str, Any]:
        """Return what the venue knows of this account."""
        return self.venue.ledger(room, self.name)

    def act(self, room: str, action: str, **body: Any) -> Any:
        """Act as the account, from outside of whoever else uses it."""
        return self.venue.call("POST", f"/{room}/{action}", {"account": self.name, **body})

    def add_fault(self, **fault: Any) -> int:
        return self.venue.add_fault(**fault)


@contextmanager
def venue_process(*arguments: str) -> Iterator[VenueProcess]:
    """Run `python -m tests.venue` on free ports until the block ends."""
    command = [sys.executable, "-m", "tests.venue", "--port", "0", "--json", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"the venue ended with {process.wait(STOP_S)} before it spoke")
            yield VenueProcess(json.loads(line), process.pid)
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
