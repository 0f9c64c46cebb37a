"""A plain BacktestEngine over a list that was loaded before: neither event loop nor queues."""

from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.data import TradeTick
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Money
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from tests.node.throughput.listener import make_listener
from tests.node.throughput.timing import Stopwatch, catalog_argument


def main() -> None:
    catalog = ParquetDataCatalog(catalog_argument())
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(log_level="ERROR")))
    engine.add_venue(Venue("BINANCE"), OmsType.NETTING, AccountType.CASH, [Money.from_str("100000 USDT")])
    for instrument in catalog.instruments():
        engine.add_instrument(instrument)
    listener = make_listener()
    engine.add_strategy(listener)
    engine.add_data(catalog.query(TradeTick))
    watch = Stopwatch()
    engine.run()
    print(watch.stop(listener.heard).to_json())


if __name__ == "__main__":
    main()
