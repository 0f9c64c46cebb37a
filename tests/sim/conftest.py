import logging
from collections.abc import Iterator

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=None, help="play one simulated history again")
    parser.addoption("--histories", type=int, help="how many simulated histories to play")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Failing requests are the point here, not news."""
    log = logging.getLogger("trading_operator")
    log.setLevel(logging.CRITICAL)
    yield
    log.setLevel(logging.NOTSET)
