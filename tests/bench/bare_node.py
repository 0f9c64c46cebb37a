"""A bare Nautilus node on the venue simulator, as its documentation shows one.

python -m tests.bench.bare_node CONFIG: a JSON file with url, ws_url, api_key, api_secret and what the pacer is told.
"""

import json
import sys
from pathlib import Path
from typing import Any

from nautilus_trader.adapters.binance import (
    BINANCE,
    BinanceAccountType,
    BinanceDataClientConfig,
    BinanceExecClientConfig,
    BinanceLiveDataClientFactory,
    BinanceLiveExecClientFactory,
)
from nautilus_trader.config import InstrumentProviderConfig, LiveExecEngineConfig, LoggingConfig, TradingNodeConfig
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.identifiers import InstrumentId

from tests.bench.pacer import Pacer, PacerConfig


def main() -> None:
    """Trade until a signal."""
    told: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    common: dict[str, Any] = {
        "api_key": told["api_key"],
        "api_secret": told["api_secret"],
        "account_type": BinanceAccountType.USDT_FUTURES,
        "base_url_http": told["url"],
        "instrument_provider": InstrumentProviderConfig(load_ids=frozenset({told["instrument_id"]})),
    }
    node = TradingNode(
        TradingNodeConfig(
            trader_id="BARE-001",
            logging=LoggingConfig(log_level="INFO", log_colors=False),
            exec_engine=LiveExecEngineConfig(reconciliation_startup_delay_secs=0.001),
            data_clients={BINANCE: BinanceDataClientConfig(base_url_ws=told["ws_url"], **common)},
            exec_clients={
                BINANCE: BinanceExecClientConfig(
                    base_url_ws=f"{told['ws_url']}/ws-fapi/v1", base_url_ws_stream=told["ws_url"], **common
                )
            },
            timeout_post_stop=0.1,
        )
    )
    instrument_id = InstrumentId.from_str(told["instrument_id"])
    node.trader.add_strategy(
        Pacer(
            PacerConfig(
                instrument_id=instrument_id, folder=told["folder"], price=told["price"],
                external_order_claims=[instrument_id], order_id_tag="1",
            )
        )
    )  # fmt: skip
    node.add_data_client_factory(BINANCE, BinanceLiveDataClientFactory)
    node.add_exec_client_factory(BINANCE, BinanceLiveExecClientFactory)
    node.build()
    node.run()
    node.dispose()


if __name__ == "__main__":
    main()
