"""``python -m tests.bench [FIGURE ...]``: all figures, or some, as one table."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tests.bench import books, gate, memory, overhead, replay, start, steady, thousand, wire
from tests.bench.table import Row, render
from tests.cluster import cluster as machine
from tests.cluster import programs
from tests.cluster.cluster import Cluster
from tests.cluster.gcs import Gcs
from tests.cluster.progress import Progress
from tests.e2e.deployments import BUCKET, LONG_PREFIX
from tests.e2e.operator_install import OperatorInstall
from trading_node.catalog.generator import generate_catalog

NODE_FIGURES: dict[str, Callable[[float], Sequence[Row]]] = {
    "replay": lambda _: replay.rows(replay.measure()),
    "gate": lambda _: gate.rows(),
    "wire": lambda _: wire.rows(),
    "start": lambda _: start.rows(),
    "books": lambda _: books.rows(),
    "memory": memory.rows,
}
"""Each is told how many minutes the long one is to take."""
CLUSTER_FIGURES: dict[str, Callable[[Cluster, OperatorInstall, Path, int], Sequence[Row]]] = {
    "overhead": lambda cluster, _operator, _folder, _count: overhead.rows(overhead.measure(cluster)),
    "steady": lambda cluster, operator, _folder, _count: steady.rows(steady.measure(cluster, operator)),
    "thousand": lambda cluster, operator, folder, count: thousand.rows(
        thousand.measure(cluster, operator, folder, count)
    ),
}
"""Each is told how many deployments the large one is to be of."""


def main() -> int:
    """Measure and print; 0 when every goal is met, 1 when one is missed."""
    known = [*NODE_FIGURES, *CLUSTER_FIGURES]
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"any of {', '.join(known)}; default: all")
    parser.add_argument(
        "--minutes", type=float, default=memory.MINUTES, help="of trading for the figure memory (default: %(default)g)"
    )
    parser.add_argument(
        "--deployments", type=int, default=thousand.COUNT, help="of the figure thousand (default: %(default)d)"
    )
    told = parser.parse_args()
    chosen = told.figures or known
    if unknown := sorted(set(chosen) - set(known)):
        parser.error(f"no such figure: {', '.join(unknown)}; there are {', '.join(known)}")
    rows: list[Row] = []
    for name, measure in NODE_FIGURES.items():
        if name in chosen:
            rows += _timed(name, partial(measure, told.minutes))
    if set(chosen) & set(CLUSTER_FIGURES):
        rows += _on_cluster([name for name in CLUSTER_FIGURES if name in chosen], told.deployments)
    print("\n" + render(rows))
    return 0 if all(row.met for row in rows) else 1


def _on_cluster(names: list[str], deployments: int) -> list[Row]:
    found = machine.running()
    cluster = found or machine.up(progress=Progress(2))
    rows: list[Row] = []
    try:
        with tempfile.TemporaryDirectory(prefix="trading-bench-") as folder:
            root = Path(folder)
            cluster.images(progress=Progress(3))
            if "thousand" in names:
                programs.kwok(Progress(1))
            gcs = Gcs.of(cluster)
            generate_catalog(root / "catalog", seed=7, minutes=180, instrument_id="BTCUSDT.BINANCE")
            gcs.upload_folder(BUCKET, root / "catalog", LONG_PREFIX)
            operator = OperatorInstall(cluster.environment, gcs.endpoint)
            # As in production: a node refreshes its numbers once a minute.
            operator.install(node={"reportIntervalSeconds": 60})
            for name in names:
                rows += _timed(name, partial(CLUSTER_FIGURES[name], cluster, operator, root, deployments))
    finally:
        if found is None:
            machine.down()
    return rows


def _timed(name: str, measure: Callable[[], Sequence[Row]]) -> Sequence[Row]:
    print(f"[bench] {name} ...", file=sys.stderr, flush=True)
    began = time.monotonic()
    rows = measure()
    # At once, and again in the table: what comes later may fail, and has its hour.
    print(f"[bench] {name}: {time.monotonic() - began:.0f} s\n{render(rows)}", file=sys.stderr, flush=True)
    return rows


if __name__ == "__main__":
    sys.exit(main())
