"""A real BacktestEngine with one strategy that does what a test says at given seconds, with or without the gate."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.backtest.models import FeeModel
from nautilus_trader.config import LoggingConfig, RiskEngineConfig, StrategyConfig
from nautilus_trader.examples.algorithms.twap import TWAPExecAlgorithm
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide, OrderStatus
from nautilus_trader.model.identifiers import TraderId
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.model.orders import Order
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

from trading_api.risk import RiskLimits
from trading_node.gate import Denial, Gate
from trading_node.nautilus_gate import NautilusGate
from trading_node.risk.limits import compile_limits

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
PERPETUAL = TestInstrumentProvider.btcusdt_perp_binance()
SPOT = TestInstrumentProvider.btcusdt_binance()
UNLIMITED_RATE = "1000000/00:00:01"
BUY, SELL = OrderSide.BUY, OrderSide.SELL


class Script(Strategy):  # type: ignore[misc]
    """Does one thing after the other, each at its second."""

    def __init__(
        self, steps: "Mapping[Any, Callable[[Script], object]]", instrument: Any, tag: str, *, manage_stop: bool = False
    ) -> None:
        super().__init__(StrategyConfig(order_id_tag=tag, manage_stop=manage_stop))
        self.instrument = instrument
        self._steps = steps

    def on_start(self) -> None:
        self.subscribe_quote_ticks(self.instrument.id)
        for second, step in self._steps.items():
            self.clock.set_time_alert(
                f"step-{second}",
                self.clock.utc_now() + timedelta(seconds=second),
                lambda _, step=step: step(self),
                override=True,
            )

    def market(self, side: OrderSide, quantity: str, **options: Any) -> Order:
        order = self.order_factory.market(self.instrument.id, side, self.quantity(quantity), **options)
        self.submit_order(order)
        return order

    def limit(self, side: OrderSide, quantity: str, price: str, **options: Any) -> Order:
        order = self.order_factory.limit(
            self.instrument.id, side, self.quantity(quantity), self.price(price), **options
        )
        self.submit_order(order)
        return order

    def quantity(self, text: str) -> Quantity:
        return self.instrument.make_qty(Decimal(text))

    def price(self, text: str) -> Price:
        return self.instrument.make_price(Decimal(text))


class Charged(FeeModel):  # type: ignore[misc]
    """Charges each order the same: one sum for a buy, another for a sell."""

    def __init__(self, buy: str, sell: str) -> None:
        self._buy, self._sell = Money.from_str(buy), Money.from_str(sell)

    def get_commission(self, order: Order, *_: Any) -> Money:
        return self._buy if order.side == BUY else self._sell


type Step = Callable[[Script], object]


@dataclass
class Run:
    """A backtest, and what the gate said in it."""

    engine: BacktestEngine
    scripts: list[Script]
    gate: Gate | None = None
    installed: NautilusGate | None = None
    denials: list[Denial] = field(default_factory=list)

    @property
    def cache(self) -> Any:
        return self.engine.kernel.cache

    def orders(self, *statuses: OrderStatus) -> list[Order]:
        """Orders with one of the statuses, or all."""
        return [order for order in self.cache.orders() if not statuses or order.status in statuses]

    def position(self) -> Decimal:
        return sum((each.signed_decimal_qty() for each in self.cache.positions_open()), Decimal(0))

    def reasons(self) -> list[str]:
        return [str(denial.deny.reason) for denial in self.denials]

    def run(self) -> "Run":
        self.engine.run()
        return self


@contextmanager
def backtest(
    *scripts: Mapping[Any, Step],
    limits: RiskLimits | None = None,
    gated: bool = True,
    instrument: Any = PERPETUAL,
    account: AccountType = AccountType.MARGIN,
    oms: OmsType = OmsType.NETTING,
    seconds: int = 20,
    prices: Sequence[str] = ("50000",),
    max_notional: dict[str, int] | None = None,
    balance: str = "1000000 USDT",
    gap: tuple[int, int] = (0, 0),
    manage_stop: bool = False,
    fees: FeeModel | None = None,
) -> Iterator[Run]:
    """Build a backtest of ``seconds`` quotes, a second apart but for a gap; prices repeat the last one. Not run yet."""
    engine = BacktestEngine(
        BacktestEngineConfig(
            trader_id=TraderId("GATE-001"),
            logging=LoggingConfig(bypass_logging=True),
            risk_engine=RiskEngineConfig(
                max_order_submit_rate=UNLIMITED_RATE,
                max_order_modify_rate=UNLIMITED_RATE,
                max_notional_per_order=max_notional or {},
            ),
        )
    )
    try:
        balances = [Money.from_str(text) for text in balance.split(", ")]
        engine.add_venue(instrument.id.venue, oms, account, balances, fee_model=fees)
        engine.add_instrument(instrument)
        engine.add_data(quotes(instrument, seconds, prices, gap))
        added = [
            Script(steps, instrument, f"T{number}", manage_stop=manage_stop) for number, steps in enumerate(scripts)
        ]
        for script in added:
            engine.add_strategy(script)
        engine.add_exec_algorithm(TWAPExecAlgorithm())
        run = Run(engine, added)
        if gated:
            run.gate = Gate(compile_limits(limits or RiskLimits()), on_denial=run.denials.append)
            names = {script.id.value: f"s{number}" for number, script in enumerate(added)}
            run.installed = NautilusGate(engine.kernel, run.gate, strategy_names=names)
            run.installed.install()
            run.gate.set_reconciled(True)
        yield run
    finally:
        engine.dispose()


def quotes(instrument: Any, seconds: int, prices: Sequence[str], gap: tuple[int, int]) -> list[QuoteTick]:
    """Quotes a second apart with a spread of one increment."""
    ticks = []
    for second in range(seconds):
        if gap[0] <= second < gap[1]:
            continue
        bid = Decimal(prices[min(second, len(prices) - 1)])
        time = START + second * SECOND
        ticks.append(
            QuoteTick(
                instrument.id,
                instrument.make_price(bid),
                instrument.make_price(bid + instrument.price_increment.as_decimal()),
                instrument.make_qty(1000),
                instrument.make_qty(1000),
                time,
                time,
            )
        )
    return ticks
