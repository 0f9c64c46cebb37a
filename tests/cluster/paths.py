"""Where the cluster keeps what it builds (the cache) and what it runs (the state)."""

import os
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def cache_dir() -> Path:
    """Return what was built once per user: programs, the base image, image layers, the nodes' image stores."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(base) / "trading-operator"
    path.mkdir(parents=True, exist_ok=True)
    return path


def memory_dir() -> Path:
    """Return a folder in memory, where waiting for the disk costs nothing: for data that goes away anyway."""
    shared = Path("/dev/shm")
    return shared if shared.is_dir() else Path(tempfile.gettempdir())


def data_dir() -> Path:
    """Return where the cluster's servers keep their data, in memory; gone after `down`."""
    return memory_dir() / f"trading-operator-cluster-{os.geteuid()}"


def state_dir() -> Path:
    """Return the running cluster's records, certificates, sockets and logs; gone after `down`.

    One per user and outside every checkout: two checkouts on one machine must see the same cluster, because they
    would fight over the same addresses.
    """
    if os.geteuid() == 0:
        return Path("/run/trading-operator-cluster")
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(base) / f"trading-operator-cluster-{os.geteuid()}"
