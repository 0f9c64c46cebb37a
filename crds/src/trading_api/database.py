"""Where a node keeps its books: every event of its orders, and the tables made of them."""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from trading_api.base import ApiModel
from trading_api.fields import VariableName
from trading_api.rules import Rule

_PASSWORD = re.compile(r"://[^/]*:.*@|[?&]password=", re.IGNORECASE)


class JournalSync(StrEnum):
    """When the disk itself is asked to hold what the journal has."""

    ALWAYS = "always"
    """Before the next line of trading code runs: safe against a power failure, costs milliseconds an event."""
    BEHIND = "behind"
    """When the database has not taken an event within a second."""
    NEVER = "never"
    """Never: safe against a killed process only."""


class DatabaseSection(ApiModel):
    """Where the node keeps its books."""

    directory: Annotated[str, Field(min_length=1, max_length=4096)]
    """Folder of the journal and of the embedded database; relative paths count from the run-config's folder. Each
    trader needs one of its own, on a volume that outlives the process."""
    url: Annotated[str, Field(min_length=1, max_length=2048)] | None = None
    """A database such as postgresql://desk@db.example.com/books; absent: the embedded one in the folder."""
    url_env: VariableName | None = None
    """Environment variable that holds the database's URL, password included."""
    sync: JournalSync = JournalSync.BEHIND
    """When the disk itself is asked to hold what the journal has."""
    salvage: bool = False
    """Start once without records that are missing from a damaged journal."""

    rules = (
        Rule(
            at="url_env",
            cel=None,
            holds=lambda section: section.url is None or section.url_env is None,
            says="{url} names the database already: keep {url} or {url_env}",
        ),
        Rule(
            at="url",
            cel=None,
            holds=lambda section: section.url is None or _PASSWORD.search(section.url) is None,
            says="a password does not belong into this file: put the URL into an environment variable and write the "
            "variable's name in {url_env}",
        ),
    )
