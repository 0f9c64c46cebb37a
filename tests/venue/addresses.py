"""Where a running venue is and how an account logs in, for a node's configuration: from what the venue printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PATHS = {
    "binance-spot": {"data_stream": "", "trade_stream": "/ws-api/v3"},
    "binance-futures": {"data_stream": "", "trade_stream": "/ws-fapi/v1", "user_stream": ""},
    "okx": {"data_stream": "/ws/v5/public", "trade_stream": "/ws/v5/private"},
}


def endpoints(info: Mapping[str, Any], room: str) -> dict[str, str]:
    """Return the ``endpoints`` of a run-config's venue."""
    where = info["rooms"][room]
    return {"http": where["http"], **{name: where["ws"] + path for name, path in _PATHS[room].items()}}


def credentials(info: Mapping[str, Any], account: str) -> dict[str, str]:
    """Return all keys of an account, by the names of `tests.venue.accounts.Credentials`."""
    found: dict[str, str] = next(each for each in info["accounts"] if each["account"] == account)
    return found
