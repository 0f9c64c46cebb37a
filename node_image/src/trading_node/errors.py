"""Errors that a person can act on: what happened, what to do, and the exit code that says which kind it was."""

from trading_api.exit_codes import ExitCode
from trading_node.redaction import IN_ERRORS


class NodeError(Exception):
    """An end of the node that it can explain."""

    def __init__(self, exit_code: ExitCode, reason: str, message: str, remedy: str = "") -> None:
        self.exit_code = exit_code
        self.reason = reason
        self.message = IN_ERRORS.redact(message).rstrip(".")
        self.remedy = IN_ERRORS.redact(remedy)
        super().__init__(self.message)

    def __str__(self) -> str:
        """Return message and remedy in one line."""
        text = f"{self.message}. {self.remedy}" if self.remedy else self.message
        return " ".join(text.split())


def usage_error(message: str, remedy: str = "") -> NodeError:
    """Return the error for a command line that cannot be followed."""
    return NodeError(ExitCode.USAGE, "UsageError", message, remedy)


def config_refused(message: str, remedy: str = "", reason: str = "ConfigRefused") -> NodeError:
    """Return the error for a run-config that no start can run."""
    return NodeError(ExitCode.CONFIG_REFUSED, reason, message, remedy)


def strategy_refused(message: str, remedy: str = "") -> NodeError:
    """Return the error for a strategy that cannot be imported or constructed."""
    return NodeError(ExitCode.STRATEGY_REFUSED, "StrategyRefused", message, remedy)


def catalog_unreadable(message: str, remedy: str = "") -> NodeError:
    """Return the error for a catalog that cannot be replayed as it is now."""
    return NodeError(ExitCode.CATALOG_UNREADABLE, "CatalogUnreadable", message, remedy)


def not_trading(message: str, remedy: str = "", reason: str = "NotTrading") -> NodeError:
    """Return the error for a node that did not get to trading."""
    return NodeError(ExitCode.NOT_TRADING, reason, message, remedy)


def crashed(message: str, remedy: str = "", reason: str = "Crashed") -> NodeError:
    """Return the error for an exception that ended a trading node."""
    return NodeError(ExitCode.CRASHED, reason, message, remedy)


def stop_incomplete(message: str, remedy: str = "", reason: str = "StopIncomplete") -> NodeError:
    """Return the error for a stop that left something behind."""
    return NodeError(ExitCode.STOP_INCOMPLETE, reason, message, remedy)
