"""Cache entries: named by what they are made of, and never half there."""

import threading
from pathlib import Path

import pytest

from tests.cluster.recipe import Recipe, built, entry, hash_files, obtain


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "trading-operator"


def test_the_key_tells_name_version_and_every_input() -> None:
    recipe = Recipe("kube", "v1", {"a": "1", "b": "2"})
    assert recipe.key.startswith("kube-v1-")
    assert recipe.key == Recipe("kube", "v1", {"b": "2", "a": "1"}).key
    others = [Recipe("kube", "v2", recipe.inputs), Recipe("kube", "v1", {"a": "1", "b": "3"}), Recipe("kube", "v1")]
    assert len({recipe.key, *(other.key for other in others)}) == 4


def test_files_hash_the_same_wherever_they_lie(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "a.txt").write_text("a")
        (tmp_path / name / "sub" / "b.txt").write_text("b")
    one, two = tmp_path / "one", tmp_path / "two"
    files = [path for path in one.rglob("*") if path.is_file()]
    same = hash_files(two, reversed([two / path.relative_to(one) for path in files]))
    assert hash_files(one, files) == same
    (one / "a.txt").chmod(0o755)
    assert hash_files(one, files) != same
    (two / "a.txt").rename(two / "c.txt")
    assert hash_files(two, [two / "c.txt", two / "sub" / "b.txt"]) != same


def test_a_result_is_built_once() -> None:
    recipe, calls = Recipe("thing", "1"), []

    def build(out: Path) -> None:
        calls.append(out)
        (out / "program").write_text("x")

    assert not built(recipe)
    assert obtain(recipe, build) == obtain(recipe, build) == entry(recipe)
    assert (entry(recipe) / "program").read_text() == "x"
    assert len(calls) == 1


def test_a_failed_build_leaves_nothing(cache: Path) -> None:
    def build(out: Path) -> None:
        (out / "half").write_text("x")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        obtain(Recipe("thing", "1"), build)
    assert [path.name for path in cache.iterdir()] == ["locks"]


def test_who_comes_second_waits_for_the_first() -> None:
    recipe, building, calls = Recipe("thing", "1"), threading.Event(), []

    def build(out: Path) -> None:
        calls.append(1)
        building.set()
        (out / "program").write_text("x")

    threads = [threading.Thread(target=obtain, args=(recipe, build)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=5)
    assert calls == [1]
