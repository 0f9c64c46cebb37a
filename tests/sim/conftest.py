import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=None, help="play one simulated history again")
    parser.addoption("--histories", type=int, default=1000, help="how many simulated histories to play")
