"""Pytest fixtures; a suite's conftest.py imports the ones that it uses."""

from collections.abc import Iterator

import pytest

from tests.cluster.api_server import ApiServer


@pytest.fixture(scope="session")
def api_server() -> Iterator[ApiServer]:
    """Return a real API server of this session's own, without nodes and controllers."""
    with ApiServer() as server:
        yield server
