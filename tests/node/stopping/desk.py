"""A node with orders and a position at the venue, ready to be stopped."""

import json
import signal
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.node.processes import SECONDS, NodeProcess, node_process
from tests.node.venues.desks import INSTRUMENTS, ROOMS, keys, run_config, venue
from tests.venue.process import VenueAccount

SYMBOLS = {"spot": "BTCUSDT", "futures": "BTCUSDT", "okx": "BTC-USDT"}
HOLDER = Path(__file__).with_name("holder.py").read_text()


def holder(market: str, **config: Any) -> dict[str, Any]:
    """Return the strategy of the run-config."""
    return {
        "name": "holder",
        "path": "holder:Holder",
        "config_path": "holder:HolderConfig",
        "config": {"instrument_id": INSTRUMENTS[market], **config},
    }


class Desk:
    """A running node and the truth about its account."""

    def __init__(self, node: NodeProcess, simulator: VenueAccount, market: str) -> None:
        self.node = node
        self.market = market
        self._simulator = simulator

    @property
    def status(self) -> dict[str, Any]:
        """What /api/status shows."""
        with urllib.request.urlopen(self.node.url("/api/status"), timeout=5) as answer:  # noqa: S310  # loopback
            document: dict[str, Any] = json.load(answer)
            return document

    def settle(self, orders: int, positions: int) -> None:
        """Wait until the node has so many open orders and positions."""
        self.node.wait_for('"message": "Trading"')
        deadline = time.monotonic() + SECONDS
        while ((now := self.status)["orders"]["open"], now["positions"]["open"]) != (orders, positions):
            assert time.monotonic() < deadline, f"{now['orders']} {now['positions']}\n{self.node.told()}"
            assert self.node.process.poll() is None, self.node.stderr
            time.sleep(0.05)

    def stop(self) -> tuple[int, float]:
        """Ask the node to stop; return its exit code and how long it took."""
        asked = self.node.send(signal.SIGTERM)
        return self.node.wait(), time.monotonic() - asked

    @property
    def drain(self) -> dict[str, Any]:
        """What the node said of its stop, in its last record."""
        drain: dict[str, Any] = self.node.summary["drain"]
        return drain

    def ledger(self) -> dict[str, Any]:
        return self._simulator.ledger(ROOMS[self.market])

    def open_orders(self) -> set[str]:
        """Return the client order ids of the account's open orders, by the venue's word."""
        orders = self.ledger()["orders"]
        return {order["client_id"] for order in orders if order["status"] in {"NEW", "PARTIALLY_FILLED"}}

    def position(self) -> Decimal:
        """Return what the account holds, by the venue's word: contracts, or coins beyond those that it began with."""
        ledger, symbol = self.ledger(), SYMBOLS[self.market]
        if self.market == "futures":
            return sum((Decimal(p["quantity"]) for p in ledger["positions"] if p["symbol"] == symbol), Decimal(0))
        bought = [Decimal(f["quantity"]) * (1 if f["side"].upper() == "BUY" else -1) for f in ledger["fills"]]
        return sum(bought, Decimal(0))

    def act(self, action: str, **body: Any) -> Any:
        """Act at the venue as the account, from outside of the node."""
        return self._simulator.act(ROOMS[self.market], action, symbol=SYMBOLS[self.market], **body)


@contextmanager
def desk(
    folder: Path,
    simulator: VenueAccount,
    market: str = "futures",
    *,
    drain: Mapping[str, str] | None = None,
    **config: Any,
) -> Iterator[Desk]:
    """Run a node with one strategy until the block ends; drain and config are those of the run-config."""
    document = run_config(venue(simulator, market), holder(market, **config), drain=dict(drain or {}))
    with node_process(folder, document, environment=keys(simulator, market), modules={"holder": HOLDER}) as node:
        yield Desk(node, simulator, market)
