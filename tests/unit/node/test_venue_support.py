"""The table of venues says what the code does."""

from pathlib import Path

import pytest

from trading_api.adapters import OPTIONS, Adapter
from trading_node.venues.paper_state import independent
from trading_node.venues.support import BEGIN, END, SUPPORT, main, table, with_table

ROOT = Path(__file__).parents[3]


def test_the_guide_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["--check"]) == 0


def test_every_adapter_of_a_real_venue_is_in_it() -> None:
    assert SUPPORT.keys() == OPTIONS.keys() - {Adapter.REPLAY}


def test_a_stale_table_is_found_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    guide = tmp_path / "docs" / "guides" / "venues.md"
    guide.parent.mkdir(parents=True)
    guide.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    assert main(["--check"]) == 1
    assert main([]) == 0
    assert guide.read_text() == f"before\n{BEGIN}\n{table()}\n{END}\nafter\n"
    assert main(["--check"]) == 0
    with pytest.raises(ValueError, match="has no lines"):
        with_table("nothing")


def test_orders_go_on_only_with_all_that_they_are_linked_with() -> None:
    orders = [("alone", []), ("take", ["stop"]), ("stop", ["take"]), ("first", ["second"]), ("second", ["lost"])]
    assert independent(orders) == {"alone", "take", "stop"}
