"""What Nautilus needs in order to build the clients of one venue."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class VenueClients:
    """Config and factory of a venue's data client and of its execution client."""

    name: str
    data_config: Any
    data_factory: type
    execution_config: Any
    execution_factory: type
