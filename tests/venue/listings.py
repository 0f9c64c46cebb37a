"""What is traded where, at which price it starts, and what a new account owns."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tests.venue.background import Behaviour
from tests.venue.core.model import Instrument, InstrumentKind, Status
from tests.venue.core.rules import VenueRules


@dataclass(frozen=True)
class Listing:
    markets: tuple[tuple[Instrument, Behaviour], ...]
    rules: VenueRules
    purse: dict[str, Decimal]

    def instruments(self) -> list[Instrument]:
        return [instrument for instrument, _ in self.markets]


def _behaviour(price: str, spacing: str, lot: str) -> Behaviour:
    return Behaviour(Decimal(price), Decimal(spacing), Decimal(lot))


def _binance_perpetual(base: str, tick: str, step: str) -> Instrument:
    return Instrument(
        symbol=f"{base}USDT",
        kind=InstrumentKind.PERPETUAL,
        base=base,
        quote="USDT",
        tick=Decimal(tick),
        step=Decimal(step),
        min_quantity=Decimal(step),
        max_quantity=Decimal(1_000),
        min_notional=Decimal(5),
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0005"),
    )


def _binance_spot(base: str, tick: str, step: str) -> Instrument:
    return Instrument(
        symbol=f"{base}USDT",
        kind=InstrumentKind.SPOT,
        base=base,
        quote="USDT",
        tick=Decimal(tick),
        step=Decimal(step),
        min_quantity=Decimal(step),
        max_quantity=Decimal(9_000),
        min_notional=Decimal(5),
        maker_fee=Decimal("0.001"),
        taker_fee=Decimal("0.001"),
    )


BINANCE_SPOT = Listing(
    markets=(
        (_binance_spot("BTC", "0.01", "0.00001"), _behaviour("50000", "1", "0.1")),
        (_binance_spot("ETH", "0.01", "0.0001"), _behaviour("3000", "0.1", "1")),
    ),
    rules=VenueRules(
        fok_refused=False,
        unfit_status=Status.EXPIRED,
        conditional_keeps_id=True,
        conditional_locks=True,
    ),
    purse={"USDT": Decimal(100_000), "BTC": Decimal(2), "ETH": Decimal(20)},
)


def _okx_spot(base: str, tick: str, step: str) -> Instrument:
    return Instrument(
        symbol=f"{base}-USDT",
        kind=InstrumentKind.SPOT,
        base=base,
        quote="USDT",
        tick=Decimal(tick),
        step=Decimal(step),
        min_quantity=Decimal("0.0001"),
        max_quantity=Decimal(10_000),
        min_notional=Decimal(0),
        maker_fee=Decimal("0.0008"),
        taker_fee=Decimal("0.001"),
    )


def _okx_swap(base: str, tick: str, multiplier: str) -> Instrument:
    return Instrument(
        symbol=f"{base}-USDT-SWAP",
        kind=InstrumentKind.PERPETUAL,
        base=base,
        quote="USDT",
        tick=Decimal(tick),
        step=Decimal("0.01"),
        min_quantity=Decimal("0.01"),
        max_quantity=Decimal(100_000),
        min_notional=Decimal(0),
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0005"),
        multiplier=Decimal(multiplier),
        max_leverage=100,
        default_leverage=10,
    )


OKX = Listing(
    markets=(
        (_okx_spot("BTC", "0.1", "0.00000001"), _behaviour("50000", "1", "0.1")),
        (_okx_spot("ETH", "0.01", "0.000001"), _behaviour("3000", "0.1", "1")),
        (_okx_swap("BTC", "0.1", "0.01"), _behaviour("50000", "1", "10")),
        (_okx_swap("ETH", "0.01", "0.1"), _behaviour("3000", "0.1", "10")),
    ),
    rules=VenueRules(fok_refused=False, post_only_refused=False, client_id_prefix=""),
    purse={"USDT": Decimal(100_000), "BTC": Decimal(2), "ETH": Decimal(20)},
)

BINANCE_FUTURES = Listing(
    markets=(
        (_binance_perpetual("BTC", "0.10", "0.001"), _behaviour("50000", "1", "0.1")),
        (_binance_perpetual("ETH", "0.01", "0.001"), _behaviour("3000", "0.1", "1")),
    ),
    rules=VenueRules(),
    purse={"USDT": Decimal(100_000)},
)
