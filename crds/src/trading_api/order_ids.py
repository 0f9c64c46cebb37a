"""Order id tags: how a venue's orders are told apart by strategy."""

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

DERIVED_LENGTH = 4


def derive_order_id_tag(strategy_name: str) -> str:
    """Return the tag of a strategy that sets none: four of A-Z2-7, the same for the same name for ever.

    Four characters keep client order ids within what venues take (36 characters); a collision within one deployment
    is as likely as one in ten thousand and is refused, never resolved by order, so that adding a strategy never
    renames the orders of another.
    """
    digest = hashlib.sha256(strategy_name.encode()).digest()
    return base64.b32encode(digest)[:DERIVED_LENGTH].decode()


class Tagged(Protocol):
    """What has a name and may set its tag."""

    @property
    def name(self) -> str:
        """Name of the strategy."""

    @property
    def order_id_tag(self) -> str | None:
        """Tag, where set."""


def resolve_order_id_tag(strategy: Tagged) -> str:
    """Return the tag that a strategy trades with."""
    return strategy.order_id_tag or derive_order_id_tag(strategy.name)


def sharing_a_set_tag(strategies: Sequence[Tagged]) -> list[str]:
    """Return the names of the strategies whose set tag is set by another one too."""
    uses = Counter(strategy.order_id_tag for strategy in strategies)
    return [s.name for s in strategies if s.order_id_tag is not None and uses[s.order_id_tag] > 1]


def sharing_a_derived_tag(strategies: Sequence[Tagged]) -> list[str]:
    """Return the names of the strategies whose tag is derived and is another one's too."""
    uses = Counter(map(resolve_order_id_tag, strategies))
    return [s.name for s in strategies if s.order_id_tag is None and uses[resolve_order_id_tag(s)] > 1]
