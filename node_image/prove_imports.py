"""Proves that slimming an environment broke no import.

``python prove_imports.py record FILE PACKAGE...`` writes down every module of the packages that can be imported;
``check FILE`` imports each of them again, in another process after the slimming, and names those that no longer can be;
``require PACKAGE...`` demands that every module of the packages can be imported.
"""

import contextlib
import importlib
import io
import pkgutil
import sys
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

SKIPPED = (
    "nautilus_trader.test_kit",  # taken out: stubs for tests
    "nautilus_trader.adapters.interactive_brokers_pyo3",
    "pyarrow.flight",
    "pyarrow._flight",
    "pyarrow._s3fs",
    "pyarrow._pyarrow_cpp_tests",
)
"""What is taken out on purpose, or is no module."""
NEEDED = (
    "nautilus_trader.live.node",
    "nautilus_trader.backtest.node",
    "nautilus_trader.adapters.binance",
    "nautilus_trader.adapters.bybit",
    "nautilus_trader.adapters.okx",
    "nautilus_trader.adapters.deribit",
    "nautilus_trader.adapters.kraken",
    "nautilus_trader.adapters.hyperliquid",
    "nautilus_trader.adapters.interactive_brokers.factories",  # the package itself imports nothing
    "nautilus_trader.adapters.sandbox",
)
"""What has to be among them, or the record itself is worth nothing."""


def find_modules(packages: Iterable[str]) -> list[str]:
    """Return the names of packages (or modules) and of all modules in them, without tests and programs."""
    names: list[str] = []
    for package in packages:
        names.append(package)
        path = getattr(importlib.import_module(package), "__path__", [])
        names += (found.name for found in pkgutil.walk_packages(path, f"{package}.", onerror=lambda _: None))
    return [name for name in names if _is_wanted(name)]


def _is_wanted(name: str) -> bool:
    parts = name.split(".")
    return not (
        any(name == skipped or name.startswith(f"{skipped}.") for skipped in SKIPPED)
        or any(part in {"tests", "conftest", "__main__"} for part in parts)
    )


def importable(names: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """Import modules; return those that can be, and what the others raised."""
    good: list[str] = []
    bad: dict[str, str] = {}
    for name in names:
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                importlib.import_module(name)
        except BaseException as error:  # noqa: BLE001  # some modules end the process when they are imported
            bad[name] = f"{type(error).__name__}: {error}"
        else:
            good.append(name)
    return good, bad


def record(file: Path, packages: Iterable[str]) -> int:
    """Write down what can be imported now; fail if the live node, the backtest or a venue's adapter cannot be."""
    good, bad = importable(find_modules(packages))
    missing = [name for name in NEEDED if name not in good]
    _complain({name: bad.get(name, "not found") for name in missing})
    file.write_text("\n".join(good) + "\n")
    print(f"{len(good)} modules can be imported, {len(bad)} cannot (optional dependencies)")
    return 1 if missing else 0


def check(file: Path) -> int:
    """Import again what could be imported."""
    return _demand(file.read_text().split())


def require(packages: Iterable[str]) -> int:
    """Import every module of packages."""
    return _demand(find_modules(packages))


def _demand(names: list[str]) -> int:
    good, bad = importable(names)
    _complain(bad)
    print(f"{len(good)} of {len(names)} modules can be imported")
    return 1 if bad or not names else 0


def _complain(bad: Mapping[str, str]) -> None:
    for name, error in bad.items():
        print(f"{name} cannot be imported: {error}", file=sys.stderr)


def main(arguments: list[str]) -> int:
    """Run one command."""
    match arguments:
        case ["record", file, *packages] if packages:
            return record(Path(file), packages)
        case ["check", file]:
            return check(Path(file))
        case ["require", *packages] if packages:
            return require(packages)
    print("usage: prove_imports.py record FILE PACKAGE... | check FILE | require PACKAGE...", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
