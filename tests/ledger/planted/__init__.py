"""Bugs on purpose: each module puts one into the node that loads its strategies from it, and into nothing else.

The run-config names the strategies by import path; importing `tests.ledger.planted.lost_event` instead of
`tests.ledger.trader` is all that it takes. The product knows nothing of it.
"""

from typing import Any


def plant(owner: Any, name: str, wrong: Any) -> None:
    """Put what is wrong in the place of what is right. Raises AttributeError where the product has changed."""
    getattr(owner, name)
    setattr(owner, name, wrong)
