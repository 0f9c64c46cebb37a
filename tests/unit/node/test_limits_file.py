"""Limits from a file: what is valid comes into force, what is not changes nothing and is told."""

import os
import re
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trading_api.exit_codes import ExitCode
from trading_api.risk import RiskLimits, StrategyRisk, dump_limits, limits_hash
from trading_node.errors import NodeError
from trading_node.limits_file import MAX_BYTES, LimitsFile
from trading_node.risk.limits import Limits, compile_limits

TRADING: Any = SimpleNamespace(
    strategies=[SimpleNamespace(name="ema")],
    venues=[SimpleNamespace(name="X", may_list=lambda instrument: instrument.endswith(".X"))],
)
SMALL, LARGE = (dump_limits(RiskLimits(max_order_notional=amount)) for amount in ("100", "1000"))


class Followed:
    """A file that is followed, and what came into force."""

    def __init__(self, folder: Path, text: str | None) -> None:
        self.path = folder / "limits.json"
        if text is not None:
            self.path.write_text(text)
        self.applied: list[Limits] = []
        self.told = 0
        self.file = LimitsFile(self.path, TRADING, self.applied.append, on_change=self._tell)

    def _tell(self) -> None:
        self.told += 1

    def change(self, text: str) -> None:
        self.path.write_text(text)
        self.file.look()


def test_what_changes_comes_into_force_once(tmp_path: Path) -> None:
    followed = Followed(tmp_path, SMALL)
    followed.file.load()
    followed.file.look()
    assert followed.applied == [compile_limits(RiskLimits(max_order_notional="100"))]
    assert followed.file.in_force.hash == limits_hash(SMALL)
    before = followed.file.in_force.applied_ns
    followed.change(LARGE)
    now = followed.file.in_force
    assert (now.hash, now.error, now.applied, now.refused) == (limits_hash(LARGE), "", 2, 0)
    assert now.applied_ns >= before > 0
    assert followed.applied[-1] == compile_limits(RiskLimits(max_order_notional="1000"))
    assert followed.told == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not JSON"),
        ('{"max_order_notional": 5}', "max_order_notional: write a text"),
        ('{"maxOrderNotional": "5"}', "max_order_notional|maxOrderNotional"),
        (" " * (MAX_BYTES + 1), "longer than"),
        ("\udcff", "not UTF-8"),
    ],
)
def test_what_is_not_valid_changes_nothing_and_is_told(tmp_path: Path, text: str, says: str) -> None:
    followed = Followed(tmp_path, SMALL)
    followed.file.load()
    followed.path.write_bytes(text.encode(errors="surrogateescape"))
    for _ in range(3):
        followed.file.look()
    now = followed.file.in_force
    assert re.search(says, now.error)
    assert (now.hash, now.applied, now.refused) == (limits_hash(SMALL), 1, 1)
    assert len(followed.applied) == 1
    followed.change(SMALL)
    assert followed.file.in_force.error == ""
    assert followed.applied[-1] == followed.applied[0]


def test_limits_of_what_is_not_there_are_told_and_hold_up_no_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """They may belong to a revision that waits for its approval."""
    limits = RiskLimits(max_order_notional="5", strategies=(StrategyRisk(name="emma", max_orders_per_second=1),))
    followed = Followed(tmp_path, dump_limits(limits))
    followed.file.load()
    assert followed.applied == [compile_limits(limits)]
    assert "limits of emma limit nothing" in caplog.text


def test_a_file_that_goes_away_leaves_its_limits(tmp_path: Path) -> None:
    followed = Followed(tmp_path, SMALL)
    followed.file.load()
    followed.path.unlink()
    followed.file.look()
    now = followed.file.in_force
    assert now.hash == limits_hash(SMALL)
    assert "cannot be read: No such file" in now.error
    followed.change(SMALL)
    assert followed.file.in_force.error == ""


def test_what_is_no_file_does_not_hold_up_the_next_one(tmp_path: Path) -> None:
    followed = Followed(tmp_path, SMALL)
    followed.file.load()
    followed.path.unlink()
    os.mkfifo(followed.path)
    looking = threading.Thread(target=followed.file.look, daemon=True)
    looking.start()
    looking.join(10)
    assert not looking.is_alive()
    assert "is no file" in followed.file.in_force.error
    followed.path.unlink()
    followed.path.symlink_to("/dev/zero")
    followed.file.look()
    assert "is no file" in followed.file.in_force.error
    followed.path.unlink()
    followed.change(LARGE)
    assert followed.file.in_force.hash == limits_hash(LARGE)


@pytest.mark.parametrize("text", [None, "{", '{"max_orders_per_second": 0}'])
def test_a_node_without_its_limits_does_not_start(tmp_path: Path, text: str | None) -> None:
    followed = Followed(tmp_path, text)
    with pytest.raises(NodeError, match="limits are refused") as caught:
        followed.file.load()
    assert caught.value.exit_code is ExitCode.NOT_TRADING
    assert not followed.applied
