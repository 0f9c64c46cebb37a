"""Catalogs that the node's process tests share."""

import subprocess
import sys
from pathlib import Path

import pytest


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
