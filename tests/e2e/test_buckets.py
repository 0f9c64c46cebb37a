"""Buckets on a GCS emulator of the tests' own; no cluster."""

from collections.abc import Mapping
from pathlib import Path

from tests.cluster.gcs import Gcs
from trading_node.catalog.generator import generate_catalog
from trading_node.catalog.reader import open_catalog


def _write(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def test_a_second_upload_leaves_nothing_of_the_first(tmp_path: Path) -> None:
    with Gcs.fresh() as gcs:
        gcs.upload_folder("ticks", _write(tmp_path / "one", {"data/a b/1.parquet": b"1", "data/c.parquet": b"old"}))
        names = gcs.upload_folder("ticks", _write(tmp_path / "two", {"data/c.parquet": b"new", "data/d.parquet": b"2"}))

        assert names == gcs.objects("ticks") == ["data/c.parquet", "data/d.parquet"]
        assert gcs.download("ticks", "data/c.parquet") == b"new"


def test_an_upload_below_a_prefix_leaves_everything_beside_it(tmp_path: Path) -> None:
    with Gcs.fresh() as gcs:
        for prefix in ("", "long", "longer"):
            gcs.upload_folder("ticks", _write(tmp_path / "old", {"data/old": b"1"}), prefix)

        gcs.upload_folder("ticks", _write(tmp_path / "new", {"data/new": b"2"}), "/long/")

        assert gcs.objects("ticks") == ["data/old", "long/data/new", "longer/data/old"]


def test_the_bucket_holds_one_catalog_after_another(tmp_path: Path) -> None:
    with Gcs.fresh() as gcs:
        for minutes, instrument in ((2, "BTCUSDT.BINANCE"), (1, "ETHUSDT.OKX")):
            generate_catalog(tmp_path / instrument, seed=7, minutes=minutes, instrument_id=instrument)
            gcs.upload_folder("ticks", tmp_path / instrument)
        for name in gcs.objects("ticks"):
            _write(tmp_path / "bucket", {name: gcs.download("ticks", name)})

        assert [str(found.id) for found in open_catalog(tmp_path / "bucket").instruments] == ["ETHUSDT.OKX"]
