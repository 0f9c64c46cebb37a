"""One history: the plan is carried out on real processes, and at the end the books are held against the venue."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.ledger.books import read_books
from tests.ledger.compare import Difference, Kind, differences
from tests.ledger.node import NodeLife, NodeSettings, start_node
from tests.ledger.plan import Do, End, Life, Plan, Step, World, draw_lives, make_plan
from tests.ledger.rooms import ACCOUNT, ROOMS, LedgerRoom
from tests.ledger.rows import OUTSIDE
from tests.ledger.servers import Databases, Outages, databases
from tests.ledger.venue_rows import balances, venue_rows
from tests.venue.process import VenueProcess, venue_process
from trading_api.exit_codes import ExitCode

START_S = 90.0
"""Within which a node trades that nothing disturbs."""
STOP_S = 45.0
SETTLE_S = {"restart": 1.5, "running": 13.0}
"""How long the node trades on after the last fault: a running one needs an interval of reconciliation."""
QUIET_S = 1.5
"""From the end of the market to the stop: what is on its way arrives."""
SPARE = 3
"""So many times the lives of a plan are lived at most, to get to its kills."""
STARTS = 4
"""How often a node is started again that does not get to trading because of faults."""
NEVER_TRADED = "never traded"

type Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a history is made of, besides chance."""

    room: str
    seed: int
    kills: int
    database: str = "sqlite"
    """sqlite or postgres"""
    redis: bool = False
    garble: bool = False
    """Whether the venue's replies and messages are garbled now and then."""
    module: str = "tests.ledger.trader"
    ending: str = "restart"
    """How it comes to rest: a fresh start without faults, or the running node with the faults lifted."""
    drain: str = "Cancel"
    """What the last stop does with open orders."""

    def __str__(self) -> str:
        more = (" --redis" if self.redis else "") + (" --garble" if self.garble else "")
        more += f" --module {self.module}" if self.module != "tests.ledger.trader" else ""
        return (
            f"--seed {self.seed} --kills {self.kills} --room {self.room} --database {self.database}"
            f" --ending {self.ending} --drain {self.drain}{more}"
        )


@dataclass(slots=True)
class Outcome:
    """What came of a history."""

    setting: Setting
    differences: list[Difference] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    """How lives ended, and what was done to the world."""
    database_restarts: int = 0
    """How often the database's server went away and was there again."""
    redis_restarts: int = 0
    orders: int = 0
    fills: int = 0
    events: int = 0
    outside: int = 0
    seconds: float = 0.0
    folder: str = ""
    """Where logs and books are kept; empty after a history without differences."""

    @property
    def kills(self) -> int:
        """The kills that happened: a node that ended before its kill was not killed."""
        return sum(self.ends[end.value] for end in End if end.is_kill)

    def __str__(self) -> str:
        told = ", ".join(f"{count} {what}" for what, count in sorted(self.ends.items()))
        found = "books and venue agree" if not self.differences else f"{len(self.differences)} DIFFERENCES"
        return (
            f"{self.setting}: {found}; {self.orders} orders ({self.outside} from outside), {self.fills} fills, "
            f"{self.events} events, {self.kills} kills, {self.database_restarts} restarts of the database and "
            f"{self.redis_restarts} of Redis in {self.seconds:.0f} s; {told}"
        )


async def run_history(
    setting: Setting, say: Say = print, plan: Plan | None = None, *, keep_evidence: bool = True
) -> Outcome:
    """Carry out a plan, that of the setting when none is given. Everything that it starts ends with it.

    keep_evidence: leave logs and books of a history with differences.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"ledger-{setting.room}-{setting.seed}-"))
    outcome = Outcome(setting, folder=str(folder))
    began = time.monotonic()
    room = ROOMS[setting.room]
    world = World(database=setting.database == "postgres", redis=setting.redis, garble=setting.garble)
    spare: Iterator[Life] = iter(())
    if plan is None:
        plan = make_plan(setting.seed, room, setting.kills, world)
        spare = itertools.islice(draw_lives(setting.seed, room, world), len(plan.lives), SPARE * len(plan.lives))
    async with AsyncExitStack() as stack:
        venue = stack.enter_context(
            venue_process(
                *("--seed", str(setting.seed), "--market", "random", "--step-ms", "100", "--account", ACCOUNT),
                "--no-rate-limits",
            )
        )
        kept = await stack.enter_async_context(databases(folder / "books", postgres=world.database, redis=world.redis))
        history = _History(
            setting=setting, plan=plan, room=room, venue=venue, kept=kept, folder=folder, outcome=outcome, say=say
        )
        stack.push_async_callback(history.close)
        await history.run(spare)
    outcome.seconds = time.monotonic() - began
    if not (outcome.differences and keep_evidence):
        shutil.rmtree(folder)
        outcome.folder = ""
    return outcome


class _History:
    def __init__(
        self,
        *,
        setting: Setting,
        plan: Plan,
        room: LedgerRoom,
        venue: VenueProcess,
        kept: Databases,
        folder: Path,
        outcome: Outcome,
        say: Say,
    ) -> None:
        self._setting, self._plan, self._room, self._venue = setting, plan, room, venue
        self._kept, self._folder, self._outcome, self._say = kept, folder, outcome, say
        self._settings = NodeSettings(
            room=room,
            seed=setting.seed,
            venue=venue.info,
            variables=kept.variables,
            drain={"orders": setting.drain, "positions": "Keep"},
            module=setting.module,
        )
        self._started = 0
        self._node: NodeLife | None = None
        self._faults: dict[int, asyncio.Task[None]] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._outside = 0

    async def run(self, spare: Iterator[Life]) -> None:
        """Live the plan, and of the spare lives as many as it takes until the plan's kills have happened."""
        purse = balances(await self._ledger())
        missing = itertools.takewhile(lambda _: self._outcome.kills < self._plan.kills, spare)
        for life in itertools.chain(self._plan.lives, missing):
            began = time.monotonic()
            ended = await self._live(life)
            self._outcome.ends[ended] += 1
            took = time.monotonic() - began
            self._say(f"[{self._setting.room} seed {self._plan.seed}] life {life.number}: {ended} ({took:.1f} s)")
            if ended == NEVER_TRADED:
                return
            await asyncio.gather(*(self._do(step) for step in life.absent))
            await asyncio.sleep(life.absent_s)
        # Books that never came to rest may lag behind: that they did not is the finding then.
        if await self._come_to_rest():
            await self._judge(purse)

    async def close(self) -> None:
        """End whatever is still there."""
        for task in (*self._background, *self._faults.values()):
            task.cancel()
        await asyncio.gather(*self._background, *self._faults.values(), return_exceptions=True)
        if self._node is not None:
            await self._node.kill()
        # The server is somebody else's, and was to be up.
        for outages in self._outages():
            await outages.over()

    # A life

    async def _live(self, life: Life) -> str:
        """Live one life of the plan; return how it ended."""
        starting = self._spawn(self._play(life.starting))
        node = await self._start()
        if life.end is End.KILL_STARTING:
            await node.wait(life.after_s)
            return await self._kill(node, life.end, starting)
        started = await self._until_trading(node, starting)
        if started is None:
            return NEVER_TRADED
        node = started
        trading = self._spawn(self._play(life.trading))
        await node.wait(life.trades_s)
        if node.ended:
            self._died(node, "while it traded")
            return f"died with {node.process.returncode}"
        if life.end is End.KILL_TRADING:
            return await self._kill(node, life.end, trading)
        node.send(signal.SIGTERM)
        if life.end is End.KILL_STOPPING:
            await node.wait(life.after_s)
            return await self._kill(node, life.end, trading)
        code = await node.wait(STOP_S)
        await _cancel(trading)
        if code not in (ExitCode.OK, ExitCode.STOP_INCOMPLETE):
            self._died(node, "while it stopped")
        return f"{life.end.value} with {code}"

    async def _kill(self, node: NodeLife, end: End, steps: asyncio.Task[None]) -> str:
        await _cancel(steps)
        if node.ended:
            if node.process.returncode not in (ExitCode.OK, ExitCode.STOP_INCOMPLETE, ExitCode.NOT_TRADING):
                self._died(node, "before it was killed")
            return f"ended with {node.process.returncode} before it was {end.value}"
        await node.kill()
        return end.value

    async def _start(self) -> NodeLife:
        self._node = await start_node(self._settings, self._folder, self._started)
        self._started += 1
        return self._node

    async def _until_trading(self, node: NodeLife, steps: asyncio.Task[None]) -> NodeLife | None:
        """Wait for trading; one that faults kept from it is started again, as Kubernetes would.

        Returns the process that trades; None where none gets there.
        """
        for _ in range(STARTS):
            if await node.until_trading(START_S):
                return node
            await _cancel(steps)
            if not node.ended:
                self._find(Kind.NODE, f"life {self._started - 1} does not trade after {START_S:.0f} s", node)
                await node.kill()
                return None
            code = node.process.returncode
            if code in (ExitCode.USAGE, ExitCode.CONFIG_REFUSED, ExitCode.STRATEGY_REFUSED):
                raise RuntimeError(f"the node takes no such run-config:\n{node.last_words()}")
            self._outcome.ends[f"start failed with {code}"] += 1
            if code != ExitCode.NOT_TRADING:
                self._died(node, "while it started")
                return None
            node = await self._start()
        self._find(Kind.NODE, f"does not get to trading in {STARTS} starts", node)
        return None

    def _died(self, node: NodeLife, when: str) -> None:
        self._find(Kind.NODE, f"life {self._started - 1} ended with {node.process.returncode} {when}", node)

    def _find(self, kind: Kind, what: str, node: NodeLife) -> None:
        self._outcome.differences.append(Difference(kind, f"{what}:\n{node.last_words()}"))

    # The end

    async def _come_to_rest(self) -> bool:
        """Lift all faults, let the node agree with the venue, stop it in order; return whether it came so far."""
        for task in self._faults.values():
            task.cancel()
        await self._call("DELETE", "/faults")
        for outages in self._outages():
            await outages.over()
        node = await self._start()
        started = await self._until_trading(node, self._spawn(self._play(())))
        if started is None:
            return False
        node = started
        if self._setting.ending == "running":
            last = make_plan(self._setting.seed + 1, self._room, 1, World()).lives[0]
            await self._play(last.trading)
            for task in self._faults.values():
                task.cancel()
            await self._call("DELETE", "/faults")
        await node.wait(SETTLE_S[self._setting.ending])
        await self._call("POST", "/market", {"running": False})
        await node.wait(QUIET_S)
        if node.ended:
            self._died(node, "although nothing disturbed it")
            return False
        node.send(signal.SIGTERM)
        code = await node.wait(STOP_S)
        if code != ExitCode.OK:
            self._find(Kind.NODE, f"the last stop ended with {code}", node)
        return code is not None

    async def _judge(self, purse: dict[str, Decimal]) -> None:
        ledger = await self._ledger()
        venue = venue_rows(ledger, self._room, purse)
        assert self._node is not None
        left = self._node.left_in_journal()
        books = await asyncio.to_thread(read_books, self._kept.query, self._room.symbols, self._folder / "books", left)
        outcome, kept = self._outcome, self._kept
        outcome.database_restarts = kept.books.count if kept.books else 0
        outcome.redis_restarts = kept.cache.count if kept.cache else 0
        outcome.orders, outcome.fills, outcome.events = len(venue.orders), len(venue.fills), len(books.events)
        outcome.outside = sum(order.client_id.startswith(OUTSIDE) for order in venue.orders)
        outcome.differences += differences(books, venue, none_open=self._setting.drain == "Cancel")
        if ledger["imbalance"]:
            raise AssertionError(f"the venue's own ledger is wrong: {ledger['imbalance']}")

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return await asyncio.to_thread(self._venue.call, method, path, body)

    async def _ledger(self) -> dict[str, Any]:
        return await asyncio.to_thread(self._venue.ledger, self._room.room, ACCOUNT)

    # What is done to the world

    async def _play(self, steps: Iterable[Step]) -> None:
        began = time.monotonic()
        for step in steps:
            await asyncio.sleep(max(0.0, began + step.at_s - time.monotonic()))
            await self._do(step)

    async def _do(self, step: Step) -> None:
        room = f"/{self._room.room}"
        match step.do:
            case Do.FAULT:
                number = await asyncio.to_thread(self._venue.add_fault, **step.details)
                self._faults[number] = asyncio.create_task(self._lift(number, step.for_s))
            case Do.BREAK:
                await self._call("POST", f"{room}/disconnect")
            case Do.OUTSIDE_ORDER:
                await self._order_from_outside(step)
            case Do.OUTSIDE_CANCEL:
                await self._cancel_from_outside(step)
            case Do.JUMP:
                await self._jump(step)
            case Do.DATABASE | Do.REDIS:
                outages = self._kept.books if step.do is Do.DATABASE else self._kept.cache
                assert outages is not None
                self._spawn(outages.suffer(step.details["how"], step.for_s))
        self._outcome.ends[str(step.details.get("action", step.do.value))] += 1

    async def _lift(self, number: int, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await self._call("DELETE", f"/faults/{number}")
        del self._faults[number]

    async def _order_from_outside(self, step: Step) -> None:
        details = step.details
        market = next(each for each in self._room.markets if each.symbol == details["symbol"])
        sign = 1 if details["side"] == "BUY" else -1
        order = {
            "account": ACCOUNT,
            "symbol": market.symbol,
            "side": details["side"],
            "quantity": f"{Decimal(market.lot) * details['lots']:f}",
            "client_id": f"{OUTSIDE}{self._outside}",
        }
        self._outside += 1  # before anything is waited for: another step may place one meanwhile
        if details["distance"] is not None:
            price = await self._price(market.symbol)
            order["price"] = f"{price - sign * details['distance'] * Decimal(market.spacing):f}"
        # The venue refuses what the account cannot pay for.
        with suppress(RuntimeError):
            await self._call("POST", f"/{self._room.room}/orders", order)

    async def _cancel_from_outside(self, step: Step) -> None:
        ledger = await self._ledger()
        open_orders = [order["id"] for order in ledger["orders"] if order["status"] in ("NEW", "PARTIALLY_FILLED")]
        if open_orders:
            number = open_orders[int(step.details["pick"] * len(open_orders))]
            with suppress(RuntimeError):  # filled in the meantime
                await self._call("POST", f"/{self._room.room}/cancel", {"account": ACCOUNT, "order_id": number})

    async def _jump(self, step: Step) -> None:
        market = next(each for each in self._room.markets if each.symbol == step.details["symbol"])
        price = await self._price(market.symbol) + step.details["spacings"] * Decimal(market.spacing)
        await self._call("POST", f"/{self._room.room}/price", {"symbol": market.symbol, "price": f"{price:f}"})

    async def _price(self, symbol: str) -> Decimal:
        return Decimal((await self._call("GET", f"/{self._room.room}/prices"))[symbol])

    # Tasks

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    def _outages(self) -> list[Outages]:
        return [outages for outages in (self._kept.books, self._kept.cache) if outages is not None]


async def _cancel(task: asyncio.Task[None]) -> None:
    """End what is still to be done of a life's steps; what went wrong in them is the test's fault and is raised."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
