"""The feed: order, pace, consequences before the next event, subscriptions that change on the way."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.model.data import QuoteTick, TradeTick

from tests.unit.node import market
from trading_api.exit_codes import ExitCode
from trading_api.venues import Adapter, NodeVenue, PaperAccount, Replay
from trading_node.catalog.reader import DataFile, OpenCatalog
from trading_node.errors import NodeError
from trading_node.venues.paper import paper_config
from trading_node.venues.registry import replay_speed
from trading_node.venues.replay import venue_instruments
from trading_node.venues.replay_feed import ReplayClock, ReplayFeed

MILLISECOND = 1_000_000


class Engine:
    """Hears events; each may have consequences that take some turns of the event loop."""

    def __init__(self, react: Callable[[Any], bool] = lambda _: False) -> None:
        self.heard: list[Any] = []
        self.settled_after: list[int] = []
        self._react = react
        self._sent = 0

    def deliver(self, event: Any) -> None:
        self.heard.append(event)
        self._sent += self._react(event)

    def messages_sent(self) -> int:
        return self._sent

    async def settle(self) -> None:
        self.settled_after.append(len(self.heard))
        await asyncio.sleep(0)

    @property
    def times(self) -> list[int]:
        return [event.ts_init for event in self.heard]


class Subscriptions:
    """What one venue's strategies want; changed by tests."""

    def __init__(self, catalog: OpenCatalog, *wanted: type) -> None:
        self.catalog = catalog
        self.types = list(wanted)

    def wanted(self) -> tuple[DataFile, ...]:
        return tuple(file for kind in self.types for file in self.catalog.find(kind, str(market.BTC)))

    def missing(self) -> list[str]:
        return [kind.__name__ for kind in self.types if not self.catalog.find(kind, str(market.BTC))]

    def describe(self) -> str:
        return self.catalog.describe()


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> OpenCatalog:
    """Trades at even milliseconds, quotes at odd ones, of twenty each."""
    return market.write_catalog(
        tmp_path_factory.mktemp("replayed") / "catalog",
        [market.trade(n * 2 * MILLISECOND) for n in range(1, 21)],
        [market.quote((n * 2 + 1) * MILLISECOND) for n in range(1, 21)],
    )


def feed_of(source: Subscriptions, speed: int | None = None) -> ReplayFeed:
    feed = ReplayFeed(speed)
    feed.add(source)
    return feed


async def test_only_what_is_subscribed_is_played_to_its_end(catalog: OpenCatalog) -> None:
    feed, engine = feed_of(Subscriptions(catalog, TradeTick)), Engine()
    await feed.play(engine)
    assert engine.times == [n * 2 * MILLISECOND for n in range(1, 21)]
    progress = feed.progress()
    assert (progress.events, progress.total, progress.time_ns) == (20, 20, 40 * MILLISECOND)


async def test_consequences_come_before_the_next_event(catalog: OpenCatalog) -> None:
    engine = Engine(react=lambda event: event.ts_init == 10 * MILLISECOND)
    await feed_of(Subscriptions(catalog, TradeTick)).play(engine)
    assert 5 in engine.settled_after
    assert 4 not in engine.settled_after
    assert 6 not in engine.settled_after


@pytest.mark.parametrize("speed", [1, 20, None])
async def test_the_pace_is_kept_and_nothing_is_early(catalog: OpenCatalog, speed: int | None) -> None:
    loop = asyncio.get_running_loop()
    arrivals: list[float] = []

    def note(_: Any) -> bool:
        arrivals.append(loop.time())
        return False

    engine = Engine(note)
    await feed_of(Subscriptions(catalog, TradeTick, QuoteTick), speed).play(engine)
    assert engine.times == sorted(engine.times)
    if speed is not None:
        for event_ns, at in zip(engine.times, arrivals, strict=True):
            due = (event_ns - engine.times[0]) / 1e9 / speed
            assert at - arrivals[0] >= due - 0.002


async def test_a_new_subscription_is_heard_from_the_present_on(catalog: OpenCatalog) -> None:
    source = Subscriptions(catalog, TradeTick)
    feed = feed_of(source)

    def subscribe(event: Any) -> bool:
        if event.ts_init == 10 * MILLISECOND and QuoteTick not in source.types:
            source.types.append(QuoteTick)
            feed.subscriptions_changed()
            return True
        return False

    engine = Engine(subscribe)
    await feed.play(engine)
    trades = [n * 2 * MILLISECOND for n in range(1, 21)]
    quotes = [(n * 2 + 1) * MILLISECOND for n in range(1, 21)]
    # Known once the next event of the former subscription is due: nothing before that one.
    assert engine.times == sorted([*trades, *(ns for ns in quotes if ns > 12 * MILLISECOND)])
    assert feed.progress().total is None


async def test_after_an_unsubscription_nothing_more_is_heard(catalog: OpenCatalog) -> None:
    source = Subscriptions(catalog, TradeTick, QuoteTick)
    feed = feed_of(source)

    def unsubscribe(event: Any) -> bool:
        if event.ts_init == 10 * MILLISECOND:
            source.types.remove(QuoteTick)
            feed.subscriptions_changed()
        return False

    engine = Engine(unsubscribe)
    await feed.play(engine)
    assert not [e for e in engine.heard if isinstance(e, QuoteTick) and e.ts_init > 11 * MILLISECOND]
    assert len([e for e in engine.heard if isinstance(e, TradeTick)]) == 20


@pytest.mark.parametrize("left", [(), (QuoteTick,)])
async def test_what_wants_to_hear_nothing_that_is_there_any_more_has_heard_all(
    tmp_path: Path, left: tuple[type, ...], caplog: pytest.LogCaptureFixture
) -> None:
    trades = market.write_catalog(tmp_path / "catalog", [market.trade(n * MILLISECOND) for n in range(1, 21)])
    source = Subscriptions(trades, TradeTick)
    feed = feed_of(source)

    def change(event: Any) -> bool:
        if event.ts_init == 10 * MILLISECOND:
            source.types[:] = left
            feed.subscriptions_changed()
        return False

    engine = Engine(change)
    await feed.play(engine)
    assert engine.times == [n * MILLISECOND for n in range(1, 11)]
    assert ("QuoteTick" in caplog.text) == bool(left)


async def test_what_a_strategy_raises_comes_through_at_once(catalog: OpenCatalog) -> None:
    def fail(event: Any) -> bool:
        raise ZeroDivisionError

    engine = Engine(fail)
    with pytest.raises(ZeroDivisionError):
        await feed_of(Subscriptions(catalog, TradeTick)).play(engine)
    assert len(engine.heard) == 1


async def test_the_event_loop_turns_while_it_plays_as_fast_as_it_can(tmp_path: Path) -> None:
    catalog = market.write_catalog(tmp_path / "long", [market.trade(n) for n in range(1, 8_001)])
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def work(event: Any) -> bool:
        return sum(range(100)) < 0  # some microseconds, as a strategy takes

    counting = asyncio.ensure_future(count())
    await feed_of(Subscriptions(catalog, TradeTick)).play(Engine(work))
    counting.cancel()
    assert turns > 5


async def test_nothing_to_play_names_what_is_wanted_and_what_is_there(catalog: OpenCatalog, tmp_path: Path) -> None:
    quotes_only = market.write_catalog(tmp_path / "quotes", [market.quote(1)])
    with pytest.raises(NodeError, match=r"subscribed to TradeTick; .* quote_tick of BTCUSDT\.BINANCE") as error:
        await feed_of(Subscriptions(quotes_only, TradeTick)).play(Engine())
    assert error.value.exit_code is ExitCode.CATALOG_UNREADABLE
    with pytest.raises(NodeError, match="subscribed to nothing"):
        await feed_of(Subscriptions(catalog)).play(Engine())


async def test_what_is_partly_missing_is_logged(catalog: OpenCatalog, caplog: pytest.LogCaptureFixture) -> None:
    class Unheard:
        pass

    await feed_of(Subscriptions(catalog, TradeTick, Unheard)).play(Engine())
    assert caplog.text.count("Unheard") == 1


@given(
    speed=st.none() | st.integers(1, 10**6),
    first=st.integers(0, 2**62),
    passed=st.integers(0, 10**15),
    elapsed=st.integers(0, 10**15),
)
def test_the_clock_is_exact(speed: int | None, first: int, passed: int, elapsed: int) -> None:
    clock = ReplayClock(speed, first_event_ns=first, started_ns=5)
    wait = clock.wait_ns(first + passed, 5 + elapsed)
    assert wait == (0 if speed is None else passed // speed - elapsed)


def venue(name: str, speed: Any) -> NodeVenue:
    account = PaperAccount(starting_balances=("1 USDT",))
    return NodeVenue(name=name, adapter=Adapter.REPLAY, replay=Replay(catalog="ticks", speed=speed), paper=account)


def test_all_venues_share_one_speed() -> None:
    assert replay_speed([venue("A", 5), venue("B", 5)]) == 5
    assert replay_speed([venue("A", "Maximum")]) is None
    with pytest.raises(NodeError, match="different speeds: 5, Maximum"):
        replay_speed([venue("A", 5), venue("B", "Maximum")])


def test_a_venue_needs_instruments(catalog: OpenCatalog) -> None:
    assert [i.id for i in venue_instruments(catalog, "BINANCE")] == [market.BTC]
    with pytest.raises(NodeError, match="no instrument of venue KRAKEN, but of BINANCE"):
        venue_instruments(catalog, "KRAKEN")


def test_a_paper_account_becomes_the_sandbox_config() -> None:
    config = paper_config("BINANCE", PaperAccount(starting_balances=("100.5 USDT", "1 BTC")))
    assert (config.account_type, config.oms_type, config.starting_balances) == (
        "CASH",
        "NETTING",
        ["100.5 USDT", "1 BTC"],
    )
