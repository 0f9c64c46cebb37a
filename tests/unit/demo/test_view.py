"""What the demo shows of a node."""

from tests.demo.view import ROWS_OF_ACTIVITY, screen

DEPLOYMENT = {"metadata": {"name": "paper-replay"}, "status": {"phase": "Trading"}}


def _fill(number: int) -> dict[str, object]:
    return {"instrument": "BTCUSDT.BINANCE", "side": "BUY", "quantity": "1", "price": str(number), "commission": "0"}


def _prices(newest_first: list[int]) -> list[str]:
    node = {"recentFills": [_fill(number) for number in newest_first]}
    lines = screen(DEPLOYMENT, node, [], 1.0)
    start = next(number for number, line in enumerate(lines) if line.startswith("  fills") and "price" in line)
    return [line.split()[3] for line in lines[start + 1 :]]


def test_the_latest_fills_are_shown_the_newest_first() -> None:
    # The node lists up to 50 of them, as tally.py does: the newest first.
    assert _prices(list(range(149, 99, -1))) == [str(number) for number in range(149, 149 - ROWS_OF_ACTIVITY, -1)]


def test_a_new_fill_moves_the_others_down() -> None:
    assert _prices([3, 2, 1]) == ["3", "2", "1"]
    assert _prices([4, 3, 2, 1]) == ["4", "3", "2", "1"]


def test_tables_fit_a_terminal_of_eighty_columns() -> None:
    order = {"strategy": "EmaCross-AH4L", "side": "SELL", "quantity": "0.019504", "filled": "0", "status": "ACCEPTED"}
    fill = _fill(39537) | {"commission": "0.77114759 USDT"}
    node = {"recentOrders": [order | {"type": "MARKET"}], "recentFills": [fill], "openPositions": [fill]}
    lines = screen(DEPLOYMENT, node, [], 1.0)
    tables = lines[next(number for number, line in enumerate(lines) if "strategy" in line) :]
    assert len(tables) == 6
    # The last column stays free.
    assert max(map(len, tables)) < 80
