"""Fixtures of the operator's fast tests."""

import pytest

from tests.unit.operator.bench import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()
