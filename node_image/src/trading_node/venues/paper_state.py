"""What a paper account keeps over restarts, in one file that is always whole: replaced, never written over.

Kept are the balances, the open positions, and the orders that rest untouched. Not kept are orders of which a part is
filled (the rest of them is gone; what was filled is in balance and position), orders that depend on one that is not
kept, orders that are triggered or emulated, and closed positions.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from trading_api.venues import AccountType, OmsType, PaperAccount
from trading_node.errors import config_refused, not_trading


class KeptPosition(BaseModel):
    """An open position; numbers as text, prices as Python writes a float exactly."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    position_id: str
    trader_id: str
    strategy_id: str
    instrument_id: str
    account_id: str
    opening_order_id: str
    side: str
    quantity: str
    average_price: float
    realized: str
    opened_ns: int


class PaperState(BaseModel):
    """A paper account between two runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = 1
    run: str
    """The run that opened the account: the books tell its positions from those of other accounts by it."""
    account_type: AccountType
    oms_type: OmsType
    balances: tuple[str, ...]
    positions: tuple[KeptPosition, ...] = ()
    last_fill: str = ""
    """Id of the event of the newest fill that this contains: what the books have beyond it is not here."""
    orders: tuple[tuple[dict[str, Any], ...], ...] = ()
    """For each resting order its events, as Nautilus writes them."""


class PaperFile:
    """The file of one venue's account, held by one process."""

    def __init__(self, directory: Path, venue: str) -> None:
        """Take the file. Raises NodeError if it cannot be kept there, or another process keeps it."""
        self.path = directory / "paper" / f"{venue}.json"
        self._venue = venue
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise config_refused(
                f"The paper account of {venue} cannot be kept in {self.path.parent}: {error.strerror}",
                "Correct state_directory, or the rights of that folder",
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise not_trading(
                f"Another process trades on the paper account in {self.path}",
                "Stop it, or give each node a state_directory of its own",
                reason="PaperAccountInUse",
            ) from None

    def close(self) -> None:
        """Give the file free."""
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open_account(self, account: PaperAccount, run: str) -> PaperState:
        """Return the account as it was left, or a new one. Raises NodeError for a file that does not hold this account.

        What is kept wins over the starting balances.
        """
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return PaperState(
                run=run,
                account_type=account.account_type,
                oms_type=account.oms_type,
                balances=account.starting_balances,
            )
        except OSError as error:
            raise config_refused(
                f"The paper account in {self.path} cannot be read: {error.strerror}", "Correct the file's rights"
            ) from error
        remedy = f"Put the file back as it was, or move {self.path.parent} away to begin with the starting balances"
        try:
            state = PaperState.model_validate_json(text)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            raise config_refused(f"The paper account in {self.path} is damaged: {fault['msg']}", remedy) from error
        kept, wanted = (state.account_type, state.oms_type), (account.account_type, account.oms_type)
        if state.version != 1 or kept != wanted:
            raise config_refused(
                f"The paper account in {self.path} is of version {state.version} and {' and '.join(kept)}, "
                f"and {self._venue} asks for version 1 and {' and '.join(wanted)}",
                remedy,
            )
        return state

    def write(self, state: PaperState, *, to_disk: bool = False) -> None:
        """Replace the file: a process that is killed at any moment leaves the old or the new one. Raises OSError.

        to_disk: wait until it would survive a power failure too.
        """
        new = self.path.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with contextlib.closing(os.fdopen(descriptor, "w", encoding="utf-8")) as file:
            json.dump(state.model_dump(mode="json"), file, separators=(",", ":"))
            file.flush()
            if to_disk:
                os.fsync(file.fileno())
        new.replace(self.path)


def independent(orders: Sequence[tuple[str, Sequence[str]]]) -> set[str]:
    """Return the ids of the orders whose linked orders are among them too, theirs as well, and so on.

    orders: pairs of an order's id and the ids that it is linked with.
    """
    kept = dict(orders)
    while True:
        dropped = [order for order, linked in kept.items() if any(other not in kept for other in linked)]
        if not dropped:
            return set(kept)
        for order in dropped:
            del kept[order]
