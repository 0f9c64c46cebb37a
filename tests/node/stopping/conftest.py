"""Nodes that stop, against a venue in a process of its own."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Let pandas be imported, whose use of NumPy is not ours to correct."""
    config.addinivalue_line("filterwarnings", "ignore:The 'generic' unit for NumPy timedelta:DeprecationWarning")
