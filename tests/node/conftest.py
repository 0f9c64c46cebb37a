"""Catalogs and exchanges that the node's process tests share."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.venue.process import VenueAccount, VenueProcess, venue_process


def generate(path: Path, *, seed: int, minutes: int) -> Path:
    command = [sys.executable, "-m", "trading_node.cli", "catalog", "generate", "--out", str(path)]
    subprocess.run([*command, "--seed", str(seed), "--minutes", str(minutes)], check=True, stdout=subprocess.DEVNULL)
    return path


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten minutes of synthetic trades."""
    return generate(tmp_path_factory.mktemp("catalog") / "ticks", seed=7, minutes=10)


@pytest.fixture(scope="session")
def long_catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six hours of synthetic trades: more than a node replays within a test."""
    return generate(tmp_path_factory.mktemp("catalog") / "long", seed=11, minutes=60 * 6)


@pytest.fixture(scope="module")
def exchange(request: pytest.FixtureRequest) -> Iterator[VenueProcess]:
    """An exchange that moves; a module's EXCHANGE has more of its options."""
    with venue_process("--seed", "7", "--no-rate-limits", *getattr(request.module, "EXCHANGE", ())) as running:
        yield running


@pytest.fixture
def simulator(exchange: VenueProcess) -> Iterator[VenueAccount]:
    """An account of the test's own at the module's exchange, which does all it is asked again afterwards."""
    yield exchange.open_account(f"desk-{len(exchange.info['accounts'])}")
    exchange.clear_faults()
