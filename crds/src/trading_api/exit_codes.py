"""Exit codes of the node, the second witness of how a run ended.

The first witness is the termination message (:class:`trading_api.status.TerminationMessage`). Codes below 10 name
errors that the same revision will meet again at every start: the operator does not restart those.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """How a ``trading-node`` process ended."""

    OK = 0
    """Stopped as asked, or a replay ran to its end outside Kubernetes."""
    USAGE = 2
    """The command line could not be understood."""
    CONFIG_REFUSED = 3
    """The run-config is unreadable or invalid."""
    STRATEGY_REFUSED = 4
    """A strategy or its config could not be imported or constructed."""
    CATALOG_UNREADABLE = 10
    """A catalog is missing, empty or unreadable; it may be there at the next start."""
    NOT_TRADING = 11
    """The node did not get to trading: a venue did not connect or the reconciliation failed."""
    CRASHED = 12
    """An exception ended the node while it was trading."""
    STOP_INCOMPLETE = 13
    """The stop ran out of its budget, or left what it should not have left."""

    @property
    def permanent(self) -> bool:
        """Whether the same revision would end the same way again."""
        return ExitCode.OK < self < ExitCode.CATALOG_UNREADABLE
