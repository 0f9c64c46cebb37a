"""What each venue's adapter can do and how far it was tried, as the table of docs/guides/venues.md.

``python -m trading_node.venues.support [--check]`` writes the table into the guide of a checkout, or says that it is
not current.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trading_api.adapter_options import (
    BinanceAccountType,
    BybitProductType,
    DeribitProductType,
    HyperliquidProductType,
    KrakenProductType,
    OkxInstrumentType,
)
from trading_api.adapters import CREDENTIAL_KEYS, ENDPOINTS, ENVIRONMENTS, Adapter
from trading_node.generated_files import bring_up_to_date

GUIDE = Path("docs/guides/venues.md")
COMMAND = "python -m trading_node.venues.support"
BEGIN = f"<!-- written by {COMMAND} -->"
END = "<!-- end -->"

ON_SIMULATOR = "traded live and on paper on the simulator"
BUILT = "configs and clients built, connected to nothing"


@dataclass(frozen=True)
class Support:
    """What the models of the API do not say of an adapter."""

    products: tuple[str, ...]
    asked_again: str
    """When the gate is asked again after it has admitted an order."""
    receive_window: str
    """How long the venue accepts a signed request."""
    tried: str


SUPPORT: Mapping[Adapter, Support] = {
    Adapter.BINANCE: Support(
        tuple(BinanceAccountType),
        "before each request",
        "5 s, can be set",
        f"Spot and UsdtFutures: {ON_SIMULATOR}; CoinFutures: {BUILT}",
    ),
    Adapter.BYBIT: Support(tuple(BybitProductType), "when the client takes it up", "5 s, can be set", BUILT),
    Adapter.OKX: Support(
        tuple(OkxInstrumentType),
        "when the client takes it up",
        "none",
        f"Spot and Swap: {ON_SIMULATOR}; others: {BUILT}",
    ),
    Adapter.DERIBIT: Support(tuple(DeribitProductType), "when the client takes it up", "none", BUILT),
    Adapter.KRAKEN: Support(tuple(KrakenProductType), "when the client takes it up", "none", BUILT),
    Adapter.HYPERLIQUID: Support(tuple(HyperliquidProductType), "when the client takes it up", "none", BUILT),
    Adapter.INTERACTIVE_BROKERS: Support(
        ("what the gateway offers",),
        "when the client takes it up",
        "none",
        BUILT,
    ),
}


def table() -> str:
    """Return the table in Markdown."""
    head = (
        "Adapter", "Trades", "Systems", "Keys", "Endpoints that can be set", "Gate asked again", "Receive window",
        "How far it was tried",
    )  # fmt: skip
    rows = [
        (
            adapter.value,
            ", ".join(support.products),
            ", ".join(ENVIRONMENTS[adapter]),
            _codes(CREDENTIAL_KEYS[adapter]),
            _codes(ENDPOINTS[adapter]),
            support.asked_again,
            support.receive_window,
            support.tried,
        )
        for adapter, support in SUPPORT.items()
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))


def with_table(guide: str) -> str:
    """Return the guide's text with the table in its place. Raises ValueError if it has no such place."""
    before, begin, rest = guide.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{GUIDE} has no lines {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def _codes(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table into the guide below the present folder, or check it."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the table is not current")
    check = parser.parse_args(arguments).check
    current = with_table(GUIDE.read_text(encoding="utf-8"))
    return bring_up_to_date(GUIDE, current, check=check, command=COMMAND)


if __name__ == "__main__":
    sys.exit(main())
