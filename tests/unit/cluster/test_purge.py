"""Removing the cache says what that freed."""

import os
from pathlib import Path

import pytest

from tests.cluster.paths import cache_dir
from tests.cluster.purge import occupied, purge, readable


def test_the_whole_cache_goes_and_nothing_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "beside").write_bytes(b"x")
    program = cache_dir() / "kube-v1" / "kube"
    program.parent.mkdir()
    program.write_bytes(os.urandom(1 << 20))
    (program.parent / "kubelet").hardlink_to(program)
    (program.parent / "elsewhere").symlink_to(tmp_path / "beside")

    freed = purge()

    assert 1 << 20 <= freed < 2 << 20
    assert sorted(path.name for path in tmp_path.iterdir()) == ["beside"]


def test_an_empty_folder_takes_nothing(tmp_path: Path) -> None:
    assert occupied(tmp_path) == 0


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 bytes"), (1_500, "1.5 kB"), (2_340_000, "2.3 MB"), (6_640_000_000, "6.6 GB")]
)
def test_a_size_is_readable(size: int, text: str) -> None:
    assert readable(size) == text
