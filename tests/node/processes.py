"""The node as a process: started, listened to, signalled, and always gone at the end."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SECONDS = 30.0
"""Until when something that is expected has to have happened."""

EMA_CROSS = {
    "name": "ema",
    "path": "trading_node.examples.ema_cross:EmaCross",
    "config_path": "trading_node.examples.ema_cross:EmaCrossConfig",
    "config": {"instrument_id": "BTCUSDT.BINANCE", "trade_size": "0.01"},
}
MEAN_REVERSION = {
    "name": "revert",
    "path": "trading_node.examples.mean_reversion:MeanReversion",
    "config_path": "trading_node.examples.mean_reversion:MeanReversionConfig",
    "config": {"instrument_id": "BTCUSDT.BINANCE", "trade_size": "0.01"},
}


def run_config(catalog: Path, *strategies: dict[str, Any], speed: object = "Maximum", **section: Any) -> dict[str, Any]:
    """Return a run-config that replays a catalog; keyword arguments replace fields of trading_node."""
    return {
        "trading_node": {
            "mode": "Paper",
            "trader_id": "DESK-A-001",
            "strategies": list(strategies or (EMA_CROSS,)),
            "venues": [
                {
                    "name": "BINANCE",
                    "adapter": "Replay",
                    "replay": {"catalog": "ticks", "speed": speed},
                    "paper": {"starting_balances": ["100000 USDT"]},
                }
            ],
            "catalogs": [{"name": "ticks", "path": str(catalog)}],
            "http": {"port": 0},
            **section,
        },
        "logging": {"level": "INFO"},
    }


class NodeProcess:
    """A running ``trading-node run``."""

    def __init__(self, process: subprocess.Popen[str], termination_path: Path) -> None:
        self.process = process
        self.termination_path = termination_path
        self.stdout: list[str] = []
        self.stderr: list[str] = []
        self._heard = threading.Condition()
        self._threads = [
            threading.Thread(target=self._listen, args=(process.stdout, self.stdout)),
            threading.Thread(target=self._listen, args=(process.stderr, self.stderr)),
        ]
        for thread in self._threads:
            thread.start()

    def _listen(self, stream: Any, lines: list[str]) -> None:
        for line in stream:
            with self._heard:
                lines.append(line.rstrip("\n"))
                self._heard.notify_all()

    @property
    def records(self) -> list[dict[str, Any]]:
        """Every line of standard output, which has to be JSON."""
        return [json.loads(line) for line in self.stdout]

    @property
    def termination(self) -> dict[str, Any] | None:
        """The termination message."""
        return json.loads(self.termination_path.read_text()) if self.termination_path.exists() else None

    def wait_for(self, text: str) -> str:
        """Return the first line of standard output that contains a text."""
        return self._wait(lambda: next((line for line in self.stdout if text in line), None), text)

    def _wait(self, find: Callable[[], str | None], what: str) -> str:
        deadline = time.monotonic() + SECONDS
        with self._heard:
            while (found := find()) is None:
                ended = not any(thread.is_alive() for thread in self._threads)
                if ended or (not self._heard.wait(0.5) and time.monotonic() >= deadline):
                    raise AssertionError(f"never heard {what!r}:\n{self.told()}")
        return found

    def told(self, lines: int = 20) -> str:
        """Return what helps a person to see why it did not do what was expected: its complaints, and its last words."""
        complaints = [
            line for line in self.stdout if any(f'"{level}"' in line for level in ("WARNING", "WARN", "ERROR"))
        ]
        return "\n".join([*complaints[-lines:], "...", *self.stdout[-lines:], *self.stderr[-lines:]])

    def url(self, path: str) -> str:
        """Return the address of one of the node's own pages."""
        line = self.wait_for("listening on http://")
        return line.split("listening on ")[1].split('"')[0] + path

    def send(self, number: signal.Signals) -> float:
        """Send a signal and return when."""
        self.process.send_signal(number)
        return time.monotonic()

    def wait(self, seconds: float = SECONDS) -> int:
        """Return the exit code."""
        code = self.process.wait(seconds)
        for thread in self._threads:
            thread.join(SECONDS)
        return code

    @property
    def summary(self) -> dict[str, Any]:
        """The fields of the last record, which sums the run up."""
        last: dict[str, Any] = self.records[-1]
        assert last["message"] == "run ended"
        fields: dict[str, Any] = last["fields"]
        return fields


@contextmanager
def node_process(
    folder: Path, config: dict[str, Any] | str, environment: Mapping[str, str] = {}, modules: Mapping[str, str] = {}
) -> Iterator[NodeProcess]:
    """Start a node on a run-config (or the text of one), with modules to import; killed at the end if need be."""
    for part in ("modules", "temporary"):
        (folder / part).mkdir(exist_ok=True)
    for name, source in modules.items():
        (folder / "modules" / f"{name}.py").write_text(source)
    file = folder / "paper.json"
    file.write_text(config if isinstance(config, str) else json.dumps(config))
    termination = folder / "termination.json"
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TRADING_")},
        "PYTHONPATH": str(folder / "modules"),
        "TRADING_TERMINATION_MESSAGE_PATH": str(termination),
        # A node that is killed cannot remove its own.
        "TMPDIR": str(folder / "temporary"),
        **environment,
    }
    command = [sys.executable, "-m", "trading_node.cli", "run", "--config", str(file)]
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        node = NodeProcess(process, termination)
        try:
            yield node
        finally:
            if process.poll() is None:
                process.kill()
            node.wait()
