"""Trades from files: exact, checked, and refused with row and column."""

import errno
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from trading_api.exit_codes import ExitCode
from trading_node.catalog.reader import open_catalog
from trading_node.catalog.stream import read_chunks
from trading_node.catalog.trades_file import import_trades, match_columns
from trading_node.errors import NodeError

HEADER = "timestamp,trade_id,price,quantity,buyer_maker\n"
ROWS = (
    "1610064000278,553287559,39432.48,0.000263,True\n"
    "1610064000310,553287560,39439.44,0.004376,False\n"
    "1610064000368,553287561,39439.2,0.000311,False\n"
)


def write(folder: Path, text: str) -> Path:
    file = folder / "trades.csv"
    file.write_text(text)
    return file


def import_file(file: Path, out: Path, price_precision: int | None = None, size_precision: int | None = None) -> str:
    return import_trades(
        file,
        out,
        instrument_id="BTCUSDT.BINANCE",
        price_precision=price_precision,
        size_precision=size_precision,
    )


def imported(out: Path) -> list[str]:
    return [str(event) for chunk in read_chunks(open_catalog(out).files) for event in chunk]


def refused(file: Path, out: Path, **precisions: int) -> str:
    with pytest.raises(NodeError) as error:
        import_file(file, out, **precisions)
    assert error.value.exit_code is ExitCode.USAGE
    assert error.value.remedy
    assert not out.exists()
    assert not list(out.parent.glob(".*")), "half a catalog was left behind"
    return str(error.value)


def test_csv_and_parquet_give_the_same_catalog(tmp_path: Path) -> None:
    said = import_file(write(tmp_path, HEADER + ROWS), tmp_path / "csv")
    assert "3 trades of BTCUSDT.BINANCE" in said
    assert "prices to 2 and sizes to 6 decimals" in said
    table = pa.table(
        {
            "timestamp": pa.array([1610064000278, 1610064000310, 1610064000368], pa.timestamp("ms", tz="UTC")),
            "trade_id": [553287559, 553287560, 553287561],
            "price": [39432.48, 39439.44, 39439.2],
            "quantity": [0.000263, 0.004376, 0.00031099999999999997],
            "buyer_maker": ["True", "False", "False"],
        }
    )
    pq.write_table(table, tmp_path / "trades.parquet")
    import_file(tmp_path / "trades.parquet", tmp_path / "parquet")
    assert imported(tmp_path / "csv") == imported(tmp_path / "parquet") == [
        "BTCUSDT.BINANCE,39432.48,0.000263,SELLER,553287559,1610064000278000000",
        "BTCUSDT.BINANCE,39439.44,0.004376,BUYER,553287560,1610064000310000000",
        "BTCUSDT.BINANCE,39439.20,0.000311,BUYER,553287561,1610064000368000000",
    ]  # fmt: skip


def test_only_time_price_and_quantity_are_needed(tmp_path: Path) -> None:
    import_file(write(tmp_path, "Time,Px,Qty\n2026-01-05T09:30:00Z,1.5,2\n"), tmp_path / "out")
    assert imported(tmp_path / "out") == ["BTCUSDT.BINANCE,1.5,2,NO_AGGRESSOR,1,1767605400000000000"]


def test_precisions_may_be_larger_than_the_files(tmp_path: Path) -> None:
    said = import_file(write(tmp_path, HEADER + ROWS), tmp_path / "out", price_precision=4, size_precision=8)
    assert "prices to 4 and sizes to 8 decimals" in said
    assert imported(tmp_path / "out")[0].startswith("BTCUSDT.BINANCE,39432.4800,0.00026300,")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no column timestamp or price or quantity"),
        ("price,quantity\n1,2\n", "has no column timestamp"),
        ("1610064000278,553287559,39432.48\n", "with a header row"),
        (HEADER, "holds no trades"),
        (HEADER + ROWS.replace("39439.44", "x"), "row 2: price is 'x', which is no number"),
        (HEADER + ROWS.replace("0.004376", ""), "row 2: quantity is '', which is no number"),
        (HEADER + ROWS.replace("0.004376", "0"), "row 2: quantity is 0"),
        (HEADER + ROWS.replace("39439.44", "-1"), "row 2: price is -1"),
        (HEADER + ROWS.replace("1610064000310", "yesterday"), "row 2: timestamp is 'yesterday', which is no time"),
        (HEADER + ROWS.replace("1610064000278", "never"), "row 1: timestamp is 'never', which is no time"),
        (HEADER + ROWS.replace("1610064000310", "1610064000277"), "row 2: timestamp is earlier than the row before"),
        (HEADER + ROWS.replace(",True", ",perhaps"), "row 1: buyer_maker is 'perhaps'"),
        (HEADER + ROWS.replace(",True", ""), "row 1: has 4 cells, the header has 5"),
        (HEADER + ROWS.replace("39439.44", "1.00000000000000000001"), "row 2: price is 1.00000000000000000001, which"),
        (HEADER + ROWS.replace("39439.44", f"1.{'0' * 40}1"), "which has 41 decimals"),
        (HEADER + ROWS.replace("39439.44", "1e-999999999"), "which has 999999999 decimals"),
        (HEADER + ROWS.replace("39439.44", "17014118346047"), "row 2: price is 17014118346047. At most 17014118346046"),
        (HEADER + ROWS.replace("0.004376", "1e999999999"), "row 2: quantity is 1E+999999999. At most 34028236692093"),
        (
            HEADER + ROWS.replace("1610064000310", "1610064000310000"),
            "row 2: timestamp is '1610064000310000', which is",
        ),
        (HEADER + ROWS.replace("1610064000278", "1e9999999"), "row 1: timestamp is '1e9999999', which is after 2262"),
        (HEADER + ROWS.replace("1610064000278", "9999-01-01"), "row 1: timestamp is '9999-01-01', which is after 2262"),
        (HEADER + ROWS.replace("1610064000278", "20210108"), "row 1: timestamp is '20210108', which is a date"),
        (HEADER + ROWS.replace("553287560", ""), "row 2: trade_id is '', which is no id of 1 to 36 ASCII characters"),
        (HEADER + ROWS.replace("553287560", "0x" + "a" * 64), "aaa', which is no id of 1 to 36 ASCII characters"),
        (HEADER + ROWS.replace("553287560", "№7"), "row 2: trade_id is '№7', which is no id of 1 to 36 ASCII"),
        (f"{'x' * 200_000}\n1,2,3\n", "trades.csv is no CSV file: field larger than field limit"),
    ],
)
def test_a_fault_is_named_by_row_and_column(tmp_path: Path, text: str, words: str) -> None:
    assert words in refused(write(tmp_path, text), tmp_path / "out")


def test_a_file_of_many_columns_is_refused_in_few_words(tmp_path: Path) -> None:
    words = refused(write(tmp_path, f"{','.join(['column'] * 5_000)}\n"), tmp_path / "out")
    assert "has no column timestamp or price or quantity among column, column" in words
    assert len(words) < 2_000


@pytest.mark.parametrize(
    ("column", "cells", "words"),
    [
        ("timestamp", pa.array([-5], pa.timestamp("ms")), "row 1: timestamp is -5000000, which is before 1970"),
        ("trade_id", pa.array([None], pa.string()), "row 1: trade_id is '', which is no id"),
    ],
)
def test_a_fault_in_parquet_is_named_by_row_and_column(
    tmp_path: Path, column: str, cells: pa.Array, words: str
) -> None:
    plain = {"timestamp": [1610064000278], "trade_id": ["7"], "price": [1.5], "quantity": [2.0]}
    pq.write_table(pa.table({**plain, column: cells}), tmp_path / "trades.parquet")
    assert words in refused(tmp_path / "trades.parquet", tmp_path / "out")


def test_prices_are_not_rounded_to_a_precision(tmp_path: Path) -> None:
    words = refused(write(tmp_path, HEADER + ROWS), tmp_path / "out", price_precision=1)
    assert "row 1: price is 39432.48, which has 2 decimals" in words


def test_a_file_that_is_not_there_and_one_that_is_damaged(tmp_path: Path) -> None:
    assert "cannot be read" in refused(tmp_path / "nowhere.csv", tmp_path / "out")
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(b"PAR1 and then nothing")
    assert "damaged.parquet" in refused(damaged, tmp_path / "out")
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"timestamp,price,quantity\n\xff\xfe\xff")
    assert "binary.csv" in refused(binary, tmp_path / "out")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").write_text("precious")
    with pytest.raises(NodeError, match="exists and is not empty"):
        import_file(write(tmp_path, HEADER + ROWS), out)
    assert (out / "mine").read_text() == "precious"


def test_a_folder_that_is_there_is_filled_and_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be a mounted one, which nobody can replace, or the one that the shell is in."""
    file, out = write(tmp_path, HEADER + ROWS), tmp_path / "out"
    out.mkdir()
    inode = out.stat().st_ino
    monkeypatch.chdir(out)
    import_file(file, Path())
    assert len(imported(Path())) == 3
    assert out.stat().st_ino == inode
    assert [path.name for path in out.iterdir()] == ["data"]


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ParquetDataCatalog, "write_data", full)
    words = refused(write(tmp_path, HEADER + ROWS), tmp_path / "out")
    assert "out: No space left on device. Write the name of another folder" in words


@pytest.mark.parametrize("instrument_id", ["BTCUSDT", "", "XYZ.BINANCE"])
def test_an_instrument_that_says_too_little_is_refused(tmp_path: Path, instrument_id: str) -> None:
    with pytest.raises(NodeError) as error:
        import_trades(
            write(tmp_path, HEADER + ROWS),
            tmp_path / "out",
            instrument_id=instrument_id,
            price_precision=None,
            size_precision=None,
        )
    assert error.value.exit_code is ExitCode.USAGE


def test_columns_are_known_by_their_usual_names() -> None:
    assert match_columns(["Trade ID", "PRICE", "qty", "quote_qty", "time", "isBuyerMaker"]) == {
        "timestamp": "time",
        "price": "PRICE",
        "quantity": "qty",
        "trade_id": "Trade ID",
        "buyer_maker": "isBuyerMaker",
    }
