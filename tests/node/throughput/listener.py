"""The strategy that all sides run: it hears every trade and does nothing."""

from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy


class Listener(Strategy):  # type: ignore[misc]
    heard = 0

    def on_start(self) -> None:
        self.subscribe_trade_ticks(InstrumentId.from_str("BTCUSDT.BINANCE"))

    def on_trade_tick(self, _: object) -> None:
        self.heard += 1


def make_listener() -> Listener:
    return Listener(StrategyConfig(order_id_tag="001"))
