"""What the books promise of their database, whichever it is; a subclass says how to get an empty one."""

import asyncio
import itertools
import random
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.examples import examples
from tests.unit.books.agreement import differences, expected_tables, stored_tables
from tests.unit.books.stories import TRADER, filled, histories, moved, noted, placed, voided
from trading_node.book_events import BookEvent, TransitionKind, operation_id
from trading_node.store.batch import write_batch
from trading_node.store.claims import ClaimError, claim
from trading_node.store.codec import encode
from trading_node.store.engine import make_engine
from trading_node.store.migrate import MIGRATIONS, SchemaError, migrate
from trading_node.store.queries import BookReader
from trading_node.store.schema import REVISION, metadata
from trading_node.store.writer import is_refusal

few = examples(
    3,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.differing_executors],
)
MakeEngine = Callable[[], AbstractAsyncContextManager[AsyncEngine]]
NEXT_REVISION = '''
"""A later release adds a column that must be filled, one that may be, a table and an index."""
import sqlalchemy as sa
from alembic import op
revision = "9999"
down_revision = "{head}"

def upgrade():
    op.add_column("unified_orders", sa.Column("desk", sa.String(), nullable=False, server_default="none"))
    op.add_column("unified_fills", sa.Column("rebate", sa.Numeric(38, 18)))
    op.create_table("unified_transfers", sa.Column("transfer_id", sa.String(), primary_key=True))
    op.create_index("ix_unified_orders_desk", "unified_orders", ["desk"])
'''


class Crash(BaseException):
    """The process ends here."""


def run[T](coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


async def write(engine: AsyncEngine, *batches: list[BookEvent], trader: str = TRADER) -> None:
    for batch in batches:
        async with engine.begin() as connection:
            await write_batch(connection, trader, [encode(event) for event in batch])


async def told(engine: AsyncEngine, events: list[BookEvent]) -> list[str]:
    return differences(expected_tables(events, TRADER), await stored_tables(engine))


@contextmanager
def crash_at(engine: AsyncEngine, statement: int) -> Iterator[list[int]]:
    """The nth statement ends the process; the list counts how many there were."""
    count = [0]

    def before(*_: Any) -> None:
        count[0] += 1
        if count[0] == statement:
            raise Crash

    event.listen(engine.sync_engine, "before_cursor_execute", before)
    try:
        yield count
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", before)


def batches_of(events: list[BookEvent], seed: int) -> list[list[BookEvent]]:
    random_ = random.Random(seed)
    cuts = sorted({0, len(events), *(random_.randrange(len(events) + 1) for _ in range(3))})
    return [events[a:b] for a, b in itertools.pairwise(cuts)]


class DatabaseSuite:
    """Subclasses give the fixtures `empty` and `fresh`, which make engines on new databases without and with schema."""

    @few
    @given(history=histories(), seed=st.integers(0, 2**16))
    def test_any_arrival_in_any_batches_gives_the_same_tables(
        self, fresh: MakeEngine, history: list[BookEvent], seed: int
    ) -> None:
        async def story() -> list[str]:
            async with fresh() as engine:
                await write(engine, *batches_of(history, seed))
                return await told(engine, history)

        assert run(story()) == []

    @few
    @given(history=histories(orders=2), seed=st.integers(0, 2**16), data=st.data())
    def test_a_crash_at_any_statement_and_replay(
        self, fresh: MakeEngine, history: list[BookEvent], seed: int, data: st.DataObject
    ) -> None:
        async def story() -> list[str]:
            async with fresh() as engine:
                batches = batches_of(history, seed)
                crashing = data.draw(st.integers(0, len(batches) - 1))
                await write(engine, *batches[:crashing])
                with crash_at(engine, data.draw(st.integers(1, 12))), suppress(Crash):
                    await write(engine, batches[crashing])
                # The journal gives again whatever was not acknowledged, here everything.
                await write(engine, *batches)
                return await told(engine, history)

        assert run(story()) == []

    @pytest.mark.parametrize("firsthand", [False, True])
    async def test_traders_of_one_account_keep_books_of_their_own(self, fresh: MakeEngine, firsthand: bool) -> None:
        """The venue tells the account's fills to each: as they happen, or when it is asked later."""
        other = "DESK-B-001"
        mine: list[BookEvent] = [placed(), filled("1", "10", "100", reconciliation=True)]
        theirs: list[BookEvent] = [
            replace(event, trader_id=other, operation_id=operation_id(other, "O-1"), event_id=f"other/{event.event_id}")
            for event in (placed(), filled("1", "10", "100", reconciliation=not firsthand))
        ]
        async with fresh() as engine:
            await write(engine, mine)
            await write(engine, theirs, trader=other)
            found = await stored_tables(engine)
            assert len(found["fills"]) == 2
            assert {row["trader_id"]: row["quantity"] for row in found["positions"].values()} == {TRADER: 10, other: 10}
            assert {row["trader_id"]: row["filled_quantity"] for row in found["orders"].values()} == {
                TRADER: 10,
                other: 10,
            }

    @pytest.mark.parametrize("firsthand_comes", ["before", "together, first", "together, last", "after"])
    async def test_a_fill_under_two_names_of_its_order_is_the_one_of_first_hand(
        self, fresh: MakeEngine, firsthand_comes: str
    ) -> None:
        """An order that came back from the venue under another name, with the fills that were known already."""
        mine: list[BookEvent] = [placed(), filled("1", "10", "100", 5)]
        again: list[BookEvent] = [
            placed("V-7", reconciliation=True, strategy_id="EXTERNAL"),
            filled("1", "10", "100", 5, "V-7", ts_init=9, reconciliation=True, strategy_id="EXTERNAL"),
        ]
        batches = {
            "before": [mine, again],
            "together, first": [[*mine, *again]],
            "together, last": [[*again, *mine]],
            "after": [again, mine],
        }
        async with fresh() as engine:
            await write(engine, *batches[firsthand_comes])
            assert await told(engine, [*mine, *again]) == []

    async def test_decimals_come_back_as_they_went(self, fresh: MakeEngine) -> None:
        async with fresh() as engine:
            long = "12345678901234567890.123456789012345678"
            await write(engine, [placed(quantity=Decimal(long), price=Decimal("1e-18")), filled("1", long, "0.1")])
            found = await stored_tables(engine)
            (order,) = found["orders"].values()
            assert (order["quantity"], order["price"]) == (Decimal(long), Decimal("1e-18"))
            (position,) = found["positions"].values()
            assert position["quantity"] == Decimal(long)

    async def test_more_digits_than_the_table_keeps_are_rounded_the_same_way_everywhere(
        self, fresh: MakeEngine
    ) -> None:
        async with fresh() as engine:
            fills: list[BookEvent] = [
                filled(str(n), "0.1234567890123456789", "1.00000000000000000019", n) for n in (1, 2, 3)
            ]
            await write(engine, fills[:1], fills[1:])
            onward = (await stored_tables(engine))["positions"]
            await write(engine, [filled("0", "1", "1", 0), voided(filled("0", "1", "1", 0))])
            assert (await stored_tables(engine))["positions"] == onward
            (position,) = onward.values()
            assert position["quantity"] == 3 * Decimal("0.123456789012345679")
            payloads = await self.scalars(engine, "SELECT payload FROM unified_events ORDER BY sequence LIMIT 1")
            assert "0.1234567890123456789" in payloads[0]  # the log keeps every digit

    async def test_text_that_venues_send(self, fresh: MakeEngine) -> None:
        async with fresh() as engine:
            await write(engine, [placed(), moved(TransitionKind.REJECTED, 2, reason="no\0margin 🙃")])
            (order,) = (await stored_tables(engine))["orders"].values()
            assert order["reason"] == "no\N{REPLACEMENT CHARACTER}margin 🙃"

    async def test_one_fill_under_two_orders_counts_once(self, fresh: MakeEngine) -> None:
        """After a crash the venue's history shows the fill under a name that the node did not give."""
        async with fresh() as engine:
            own = filled("1", "2", "100", order="O-1")
            foreign = filled(
                "1", "2", "100", order="EXTERNAL-7", event_id="x", reconciliation=True, strategy_id="EXTERNAL"
            )
            for arrival in ([own], [foreign], [own], [foreign, own]):
                await write(engine, list(arrival))
            found = await stored_tables(engine)
            assert [fill["operation_id"] for fill in found["fills"].values()] == [own.operation_id]
            assert [position["strategy_id"] for position in found["positions"].values()] == ["EMA-1"]

    async def test_a_position_without_fills_is_none(self, fresh: MakeEngine) -> None:
        async with fresh() as engine:
            fill = filled("1", "2", "100")
            await write(engine, [fill], [voided(fill)])
            assert (await stored_tables(engine))["positions"] == {}

    @pytest.mark.parametrize("change", ["UPDATE unified_events SET kind = 'x'", "DELETE FROM unified_events"])
    async def test_the_log_is_append_only(self, fresh: MakeEngine, change: str) -> None:
        async with fresh() as engine:
            await write(engine, [noted("n")])
            with pytest.raises(DBAPIError, match="append-only"):
                async with engine.begin() as connection:
                    await connection.execute(text(change))

    async def test_a_time_beyond_the_columns_is_a_refusal(self, fresh: MakeEngine) -> None:
        async with fresh() as engine:
            with pytest.raises(OverflowError) as caught:
                await write(engine, [placed(ts_event=2**70)])
            assert is_refusal(caught.value)

    async def test_a_broken_constraint_is_a_refusal_and_a_missing_table_is_none(self, fresh: MakeEngine) -> None:
        async with fresh() as engine:
            for statement, refusal in (
                ("INSERT INTO unified_claims (trader_id) VALUES (NULL)", True),
                ("INSERT INTO unified_nothing VALUES (1)", False),
            ):
                with pytest.raises(DBAPIError) as caught:
                    async with engine.begin() as connection:
                        await connection.execute(text(statement))
                assert is_refusal(caught.value) is refusal

    async def test_migrations_make_the_schema_that_the_code_has(self, fresh: MakeEngine) -> None:
        def compare(connection: Connection) -> Any:
            context = MigrationContext.configure(
                connection, opts={"compare_type": False, "version_table": "unified_schema_revision"}
            )
            return compare_metadata(context, metadata)

        async with fresh() as engine, engine.connect() as connection:
            assert await connection.run_sync(compare) == []

    async def test_two_nodes_may_start_at_once(self, empty: MakeEngine) -> None:
        async with empty() as engine:
            nodes = [make_engine(engine.url) for _ in range(4)]
            try:
                assert await asyncio.gather(*map(migrate, nodes)) == [REVISION] * 4
            finally:
                for node in nodes:
                    await node.dispose()

    async def test_this_release_runs_on_a_later_schema(self, empty: MakeEngine, tmp_path: Path) -> None:
        async with empty() as engine:
            await self.upgrade_to_a_later_release(engine, tmp_path)
            assert await migrate(engine) == "9999"
            history: list[BookEvent] = [placed(), filled("1", "10", "100"), noted("n")]
            await write(engine, history, history)
            assert await told(engine, history) == []
            assert await self.scalars(engine, "SELECT desk FROM unified_orders") == ["none"]

    async def test_what_a_later_release_wrote_stays(self, empty: MakeEngine, tmp_path: Path) -> None:
        async with empty() as engine:
            await self.upgrade_to_a_later_release(engine, tmp_path)
            await write(engine, [placed()])
            async with engine.begin() as connection:
                await connection.execute(text("UPDATE unified_orders SET desk = 'delta'"))
            await write(engine, [moved(TransitionKind.ACCEPTED, 2)])
            assert await self.scalars(engine, "SELECT desk FROM unified_orders") == ["delta"]

    async def test_a_later_schema_without_our_columns_is_told(self, empty: MakeEngine, tmp_path: Path) -> None:
        async with empty() as engine:
            await self.upgrade_to_a_later_release(engine, tmp_path)
            async with engine.begin() as connection:
                await connection.execute(text("ALTER TABLE unified_orders RENAME COLUMN odds TO chances"))
            with pytest.raises(SchemaError, match=r"9999.*unified_orders lacks odds"):
                await migrate(engine)

    async def test_books_are_about_one_thing(self, fresh: MakeEngine) -> None:
        live = {"mode": "Live", "BINANCE's": "account desk-a on Live"}
        async with fresh() as engine:
            nodes = [make_engine(engine.url) for _ in range(4)]
            try:
                await asyncio.gather(*(claim(node, TRADER, live) for node in nodes))
            finally:
                for node in nodes:
                    await node.dispose()
            await claim(engine, TRADER, {**live, "OKX's": "account desk-b on Demo"})  # one more venue
            await claim(engine, "DESK-B-001", {"mode": "Paper"})
            with pytest.raises(ClaimError, match=r"DESK-A-001 there are about mode Live, and this node is about Paper"):
                await claim(engine, TRADER, {"mode": "Paper"})
            with pytest.raises(ClaimError, match=r"BINANCE's account desk-a on Live.* about account desk-a on Testnet"):
                await claim(engine, TRADER, {**live, "BINANCE's": "account desk-a on Testnet", "NEW's": "account x"})
            assert await self.scalars(engine, "SELECT count(*) FROM unified_claims") == [4]

    async def test_books_from_before_claims_are_claimed_by_who_opens_them(self, empty: MakeEngine) -> None:
        async with empty() as engine:
            assert await migrate(engine, target="0001") == "0001"
            await write(engine, [placed()])
            assert await migrate(engine) == REVISION
            await claim(engine, TRADER, {"mode": "Live"})
            with pytest.raises(ClaimError):
                await claim(engine, TRADER, {"mode": "Paper"})

    async def test_what_risk_and_reconciliation_ask(self, fresh: MakeEngine) -> None:
        async with fresh() as engine:
            await write(
                engine,
                [
                    placed("O-1", ts_event=10),
                    placed("O-2", ts_event=20, strategy_id="OTHER-2"),
                    placed("O-3", ts_event=30),
                ],
                [
                    moved(TransitionKind.ACCEPTED, 31, "O-3", venue_order_id="V-3"),
                    moved(TransitionKind.DENIED, 21, "O-2"),
                ],
                [filled("1", "10", "100", 40, "O-1"), filled("2", "1", "100", 41, "O-3")],
            )
            async with BookReader(engine.url, TRADER) as reader:
                assert [order.client_order_id for order in await reader.open_orders()] == ["O-3"]
                assert [o.client_order_id for o in await reader.orders_by_venue_id("BINANCE", ["V-3"])] == ["O-3"]
                assert [o.client_order_id for o in await reader.recent_orders(0, limit=2)] == ["O-2", "O-3"]
                assert await reader.count_orders(10) == 3
                assert await reader.count_orders(11, strategy_id="EMA-1", venue="BINANCE") == 1
                assert [fill.trade_id for fill in await reader.fills(41)] == ["2"]
                assert [position.quantity for position in await reader.positions()] == [11]

    @pytest.mark.parametrize(
        ("question", "index"),
        [
            ("unified_orders WHERE trader_id='T' AND strategy_id='S' AND venue='V' AND ts_placed >= 5", "velocity"),
            ("unified_orders WHERE trader_id='T' AND strategy_id='S' AND venue='V' AND status='ACCEPTED'", "status"),
            ("unified_orders WHERE trader_id='T' AND instrument_id='I' AND is_open", "open"),
            ("unified_orders WHERE venue='V' AND venue_order_id='1'", "venue_order"),
            ("unified_positions WHERE instrument_id='I'", "instrument"),
            ("unified_positions WHERE base_currency='BTC'", "base"),
            ("unified_fills WHERE operation_id='O'", "operation"),
            ("unified_fills WHERE trader_id='T' AND venue='V' AND ts_event >= 5", "time"),
            ("unified_events WHERE operation_id='O'", "operation"),
        ],
    )
    async def test_what_risk_asks_has_an_index(self, fresh: MakeEngine, question: str, index: str) -> None:
        async with fresh() as engine, engine.connect() as connection:
            explain = "EXPLAIN QUERY PLAN"
            if engine.dialect.name == "postgresql":
                await connection.execute(text("SET LOCAL enable_seqscan = off"))  # A table this small is read whole.
                explain = "EXPLAIN"
            query = f"{explain} SELECT * FROM {question}"  # noqa: S608 - from the list above
            plan = " ".join(map(str, (await connection.execute(text(query))).all()))
            if engine.dialect.name == "postgresql":  # Which of several indexes it takes depends on statistics.
                assert "Seq Scan" not in plan
            else:
                assert f"ix_{question.split(maxsplit=1)[0]}_{index}" in plan

    async def upgrade_to_a_later_release(self, engine: AsyncEngine, folder: Path) -> None:
        (folder / "rev_9999.py").write_text(NEXT_REVISION.format(head=REVISION))
        assert await migrate(engine, locations=f"{MIGRATIONS / 'versions'}:{folder}") == "9999"

    async def scalars(self, engine: AsyncEngine, query: str) -> list[Any]:
        async with engine.connect() as connection:
            return list((await connection.execute(text(query))).scalars())
