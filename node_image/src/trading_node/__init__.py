"""The trading node: one NautilusTrader node, run, watched and reported from one file of configuration."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("trading-operator")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"
