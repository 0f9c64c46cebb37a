"""What a machine lacks is known before anything is built, and is got in two lanes at once."""

import threading
from pathlib import Path

import pytest

from tests.cluster import programs
from tests.cluster.buildah import is_root
from tests.cluster.errors import ClusterError
from tests.cluster.packages import missing
from tests.cluster.preparation import EVERYTHING, TOOLS, in_lanes, lacking
from tests.cluster.recipe import entry


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_an_empty_cache_lacks_everything() -> None:
    parts = lacking(EVERYTHING)
    assert parts.compiled == EVERYTHING.compiled
    assert parts.fetched == EVERYTHING.fetched
    assert parts.base == is_root()
    assert parts.stages == 4 + is_root() + bool(missing(EVERYTHING.packages))


def test_what_is_there_is_no_stage() -> None:
    before = lacking(EVERYTHING).stages
    for name in ("kube", "fake-gcs"):
        entry(programs.all_components()[name].recipe).mkdir()
    parts = lacking(EVERYTHING)
    assert (parts.compiled, parts.fetched, parts.stages) == (("gcsfuse",), ("kubectl-helm",), before - 2)


def test_beside_a_cluster_of_kind_nothing_is_compiled() -> None:
    parts = lacking(TOOLS)
    assert (parts.packages, parts.compiled, parts.base) == ((), (), False)
    assert parts.stages == 2


def test_lanes_run_at_once() -> None:
    met = threading.Barrier(2, timeout=10)
    # Neither gets past the other unless both are there.
    in_lanes([lambda: _pass(met), lambda: _pass(met)])


def test_a_lane_that_fails_is_told() -> None:
    def fail() -> None:
        raise ClusterError("no space left")

    with pytest.raises(ClusterError, match="no space left"):
        in_lanes([lambda: None, fail])


def _pass(barrier: threading.Barrier) -> None:
    barrier.wait()
