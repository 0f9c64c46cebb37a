"""The manifest that the demo applies: the example from docs, made to fit the data."""

from pathlib import Path
from typing import Any

import yaml

from tests.demo.catalog import DemoCatalog
from tests.demo.steps import DemoError
from trading_api.codec import parse_deployment
from trading_api.errors import InvalidDocument

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "paper-replay.yaml"

Json = dict[str, Any]


def demo_manifest(catalog: DemoCatalog, instrument: str, example: Path = EXAMPLE) -> Json:
    """Return the example with the instrument of the data, a speed that can be watched and sizes that can be traded.

    Raises DemoError for what the API server would refuse, and for data in which the strategy would do nothing.
    """
    try:
        manifest: Json = yaml.safe_load(example.read_text(encoding="utf-8"))
        spec = manifest["spec"]
        venue = spec["venues"][0]
        venue["name"] = instrument.rpartition(".")[2]
        venue["replay"]["speed"] = catalog.replay.speed
        venue["paper"]["startingBalances"] = [catalog.balance]
        for strategy in spec["strategies"]:
            strategy["config"] |= {"instrument_id": instrument, "trade_size": f"{catalog.trade_size:f}"}
    except (OSError, yaml.YAMLError, LookupError, TypeError) as error:
        raise DemoError(f"{example} is no manifest like {EXAMPLE.relative_to(ROOT)}: {error!r}") from error
    for strategy in spec["strategies"]:
        needed = strategy["config"].get("slow", 0)
        if catalog.trades <= needed:
            raise DemoError(
                f"{catalog.trades} {'trade is' if catalog.trades == 1 else 'trades are'} too few to show anything: "
                f"strategy {strategy['name']} averages over {needed} before its first order. Take a file with more"
            )
    try:
        parse_deployment(manifest)
    except InvalidDocument as refused:
        raise DemoError(f"the API would refuse the demo of {instrument}: {refused}") from refused
    return manifest
