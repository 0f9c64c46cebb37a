"""What holds for all tests."""

import gc

import pytest

from tests import examples

examples.register()
# What collecting brings into memory stays: to look through it for garbage, again and again, finds nothing.
gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Look for garbage from now on, among what tests make."""
    gc.freeze()
    gc.enable()
