"""What the figures are made of: a figure that counts nothing, or too early, is refused or seen."""

import pytest

from tests.bench import steady, thousand
from tests.bench.operator_process import OperatorUsage

TABLE = """\
bench-0000-node   1/1   12s
bench-0001-node   0/1   11s
bench-0002-node   0/0   9s

"""


def test_a_stateful_set_of_none_is_not_started_yet() -> None:
    assert thousand.started(TABLE) == 2
    assert thousand.started("") == 0


@pytest.mark.parametrize(("setting_up", "once_steady"), [(0, 0), (12, -3)])
def test_nothing_counted_is_no_proof_of_silence(setting_up: int, once_steady: int) -> None:
    with pytest.raises(RuntimeError, match=f"the audit log counted {setting_up} writes"):
        steady.rows(steady.Steady(setting_up, once_steady, "the audit log"))


def test_silence_after_writes_that_were_counted_is_met() -> None:
    (row,) = steady.rows(steady.Steady(12, 0, "the audit log"))
    assert row.met
    (row,) = steady.rows(steady.Steady(12, 2, "the audit log"))
    assert not row.met


def test_the_figures_name_how_many_deployments_they_are_of() -> None:
    rows = thousand.rows(thousand.Thousand(50, 6.0, 4.0, OperatorUsage(3.0, 90.0, 400.0)))
    assert [row.met for row in rows] == [False, True]
    assert rows[0].name.startswith("50 deployments")
