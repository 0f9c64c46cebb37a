"""How the client order ids of one node's strategies look, so that a stop knows its own at a venue."""

import re
from collections.abc import Iterable


class OwnOrderIds:
    """The ids that a trader's strategies give their orders."""

    def __init__(self, trader_tag: str, strategy_tags: Iterable[str]) -> None:
        """Take the part of the trader's id behind its last hyphen, and the strategies' order id tags."""
        trader = re.escape(trader_tag)
        strategies = "|".join(map(re.escape, strategy_tags))
        # With hyphens or, where a venue takes none, without; an algorithm's children carry a suffix.
        self._pattern = re.compile(
            rf"O-\d{{8}}-\d{{6}}-{trader}-(?:{strategies})-\d+(?:-[A-Z]\d+)?"
            rf"|O\d{{14}}{trader.replace('-', '')}(?:{strategies.replace('-', '')})\d+(?:[A-Z]\d+)?"
        )

    def __contains__(self, client_order_id: str) -> bool:
        """Return whether an id is one of them."""
        return self._pattern.fullmatch(client_order_id) is not None
