"""``python -m tests.ledger``: the long form of the ledger test, and any history again by its seed.

Without --seed it draws one and prints it. More kills than --each make several histories, with seeds that count up, over
the rooms and databases asked for in turn. A history with differences leaves its folder of logs and books.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Coroutine, Iterable, Iterator
from dataclasses import replace
from typing import Any

from tests.ledger.history import Outcome, Setting, run_history
from tests.ledger.rooms import ROOMS

SHOWN = 40
"""Differences that are printed of one history."""


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.ledger", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, help="of the first history")
    parser.add_argument("--kills", type=int, default=200, help="all together (default 200)")
    parser.add_argument("--each", type=int, default=20, help="kills of one history (default 20)")
    parser.add_argument("--room", action="append", choices=sorted(ROOMS), help="repeatable; default: all")
    parser.add_argument("--database", action="append", choices=("sqlite", "postgres"), help="repeatable; default: both")
    parser.add_argument(
        "--redis", action=argparse.BooleanOptionalAction, help="let Redis hold Nautilus' cache; default: in turn"
    )
    parser.add_argument("--garble", action="store_true", help="garble what the venue says now and then")
    parser.add_argument("--ending", choices=("restart", "running"), help="default: in turn")
    parser.add_argument("--drain", choices=("Cancel", "Keep"), help="default: in turn")
    parser.add_argument("--module", default="tests.ledger.trader", help="of the strategies; tests.ledger.planted.* err")
    parser.add_argument("--keep-going", action="store_true", help="go on after a history with differences")
    return parser.parse_args(arguments)


def settings(options: argparse.Namespace) -> Iterator[Setting]:
    """Yield one history after the other, without end."""
    first = random.SystemRandom().randrange(1_000_000) if options.seed is None else options.seed
    rooms = itertools.cycle(options.room or ROOMS)
    kinds = itertools.cycle(options.database or ("sqlite", "postgres"))
    for number in itertools.count():
        yield Setting(
            room=next(rooms),
            seed=first + number,
            kills=options.each,
            database=next(kinds),
            redis=number // 3 % 2 == 1 if options.redis is None else options.redis,
            garble=options.garble,
            module=options.module,
            ending=options.ending or ("restart", "running")[number // 2 % 2],
            drain=options.drain or ("Cancel", "Keep")[number // 4 % 2],
        )


async def until_told(work: Coroutine[Any, Any, list[Outcome]]) -> list[Outcome]:
    """Do the work; a signal ends it in order, with everything that it started."""
    task = asyncio.create_task(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


async def run(chosen: Iterator[Setting], *, kills: int, keep_going: bool) -> list[Outcome]:
    """Run histories until so many kills have happened: now and then a node ends before its kill."""
    outcomes: list[Outcome] = []
    for number, planned in enumerate(chosen, start=1):
        done = killed(outcomes)
        if outcomes and done >= kills:
            break
        setting = replace(planned, kills=min(planned.kills, kills - done))
        print(f"history {number}, {done} of {kills} kills: python -m tests.ledger {setting}", flush=True)
        outcome = await run_history(setting, lambda line: print(f"  {line}", flush=True))
        outcomes.append(outcome)
        print(outcome, flush=True)
        for difference in outcome.differences[:SHOWN]:
            print(f"  {difference}", flush=True)
        if outcome.differences:
            print(f"  {len(outcome.differences)} differences; logs and books: {outcome.folder}", flush=True)
            if not keep_going:
                break
    return outcomes


def killed(outcomes: Iterable[Outcome]) -> int:
    """Count the kills that happened."""
    return sum(outcome.kills for outcome in outcomes)


def summary(outcomes: list[Outcome], seconds: float) -> str:
    """Return one line for each history and the sums."""
    ends: Counter[str] = Counter()
    for outcome in outcomes:
        ends.update(outcome.ends)
    sums = {name: sum(getattr(o, name) for o in outcomes) for name in ("orders", "fills", "events", "outside")}
    databases, caches = (sum(getattr(o, name) for o in outcomes) for name in ("database_restarts", "redis_restarts"))
    wrong = [outcome for outcome in outcomes if outcome.differences]
    lines = ["", "what happened", *(f"  {count:>5}  {what}" for what, count in sorted(ends.items()))]
    lines += [f"FAILED  python -m tests.ledger {outcome.setting}  ({outcome.folder})" for outcome in wrong]
    lines.append(
        f"{len(outcomes)} histories, {killed(outcomes)} kills, {databases} restarts of PostgreSQL and {caches} of "
        f"Redis, {sums['orders']} orders "
        f"({sums['outside']} from outside), {sums['fills']} fills, {sums['events']} events in {seconds:.0f} s: "
        + (f"{len(wrong)} histories with differences" if wrong else "0 lost, 0 doubled, 0 phantom")
    )
    return "\n".join(lines)


def main() -> int:
    options = parse(sys.argv[1:])
    began = time.monotonic()
    try:
        outcomes = asyncio.run(until_told(run(settings(options), kills=options.kills, keep_going=options.keep_going)))
    except asyncio.CancelledError:
        return 130
    print(summary(outcomes, time.monotonic() - began))
    return 1 if any(outcome.differences for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
