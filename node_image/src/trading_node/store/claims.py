"""What a trader's books are about: claimed by the first node that opens them, and held against every other.

Books of a simulated account must not become those of a real one, nor those of one account another's: the next start
would take over orders and positions that its venue never had.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from trading_node.store.migrate import SchemaError
from trading_node.store.schema import claims

_CLAIM = text(
    "INSERT INTO unified_claims (trader_id, subject, claim, ts_claimed) VALUES (:trader, :subject, :claim, :now) "
    "ON CONFLICT (trader_id, subject) DO NOTHING"
)


class ClaimError(SchemaError):
    """The books are about something else; says what to do."""


async def claim(engine: AsyncEngine, trader_id: str, about: Mapping[str, str]) -> None:
    """Claim a trader's books, or find them claimed the same way.

    about: what they are about, by subject, such as the mode. Raises ClaimError, and the driver's errors when the
    database is away.
    """
    if not about:
        return
    now = time.time_ns()
    rows = [{"trader": trader_id, "subject": subject, "claim": told, "now": now} for subject, told in about.items()]
    async with engine.begin() as connection:
        await connection.execute(_CLAIM, rows)
        found = await connection.execute(select(claims).where(claims.c.trader_id == trader_id))
        for row in found.mappings():
            wanted = about.get(row["subject"], row["claim"])
            if wanted != row["claim"]:
                since = datetime.fromtimestamp(row["ts_claimed"] // 1_000_000_000, UTC).date()
                raise ClaimError(
                    f"since {since} the books of {trader_id} there are about {row['subject']} {row['claim']}, and this "
                    f"node is about {wanted}: give it a trader_id or a database of its own, or, where only a name was "
                    f"wrong, correct the row in unified_claims"
                )
