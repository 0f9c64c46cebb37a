"""What a node has loaded is not looked at by Python's collector of cycles."""

import gc
from collections.abc import Iterator

import pytest

from trading_node.garbage import loading


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


class Knot:
    """An object that holds itself."""

    def __init__(self) -> None:
        self.itself = self


def test_nothing_is_collected_while_modules_are_imported_and_what_they_made_is_spared() -> None:
    before = gc.get_freeze_count()
    with loading():
        assert not gc.isenabled()
        module = [Knot() for _ in range(1000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(module)


def test_an_import_that_fails_leaves_the_collector_at_work() -> None:
    with pytest.raises(ImportError), loading():
        raise ImportError("no such strategy")
    assert gc.isenabled()
