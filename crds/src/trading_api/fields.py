"""Kinds of fields that several models share, each with the sentence that says what to write."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

X_SAYS = "x-says"
"""Key in a JSON schema beside ``pattern``: the sentence for a text that does not match."""


def keyed_by(field: str) -> dict[str, Any]:
    """Return schema extras of a list that Kubernetes merges item by item, by an item's field."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [field]}


@dataclass(frozen=True)
class Matches:
    """A text that matches a pattern as a whole.

    The pattern means the same to Python's ``re`` and to RE2, has no anchors and no alternative at its top level.
    """

    pattern: str
    says: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the text after everything that stands before this in the annotation."""
        compiled = re.compile(self.pattern, re.ASCII)

        def check(text: str) -> str:
            if compiled.fullmatch(text) is None:
                raise PydanticCustomError("pattern", "{sentence}", {"sentence": self.says})
            return text

        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Carry pattern and sentence into the schema."""
        return handler(schema) | {"pattern": f"^{self.pattern}$", X_SAYS: self.says}


@dataclass(frozen=True)
class CountOrWord:
    """A whole number within bounds, or one word."""

    word: str
    at_least: int
    at_most: int

    @property
    def says(self) -> str:
        """What to write."""
        return f"write a whole number from {self.at_least} to {self.at_most}, or {self.word}"

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Replace the union's own checks, whose errors name its branches instead of the field."""
        del source, handler
        return core_schema.no_info_plain_validator_function(
            self._check, serialization=core_schema.plain_serializer_function_ser_schema(lambda value: value)
        )

    def _check(self, value: object) -> int | str:
        if type(value) is int and self.at_least <= value <= self.at_most:
            return value
        if value == self.word:
            return self.word
        raise PydanticCustomError("count_or_word", "{sentence}", {"sentence": self.says})

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe both spellings to any reader, and the bounds to the API server."""
        del schema, handler
        within = f"{self.at_least} <= int(self) && int(self) <= {self.at_most}"
        return {
            "anyOf": [
                {"type": "integer", "minimum": self.at_least, "maximum": self.at_most},
                {"const": self.word, "type": "string"},
            ],
            "x-kubernetes-int-or-string": True,
            "x-kubernetes-validations": [
                {"rule": f"type(self) == int ? {within} : self == '{self.word}'", "message": self.says}
            ],
        }


Name = Annotated[
    str,
    Field(min_length=1, max_length=40),
    Matches(
        r"[a-z0-9]([-a-z0-9]*[a-z0-9])?",
        "write lower-case letters, digits and '-', with a letter or digit at both ends, such as ema-btc",
    ),
]
ImportPath = Annotated[
    str,
    Field(min_length=3, max_length=253),
    Matches(
        r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*",
        "write module:Class, such as desk.ema:EmaCross",
    ),
]
Money = Annotated[
    str,
    Field(max_length=48),
    Matches(
        r"[0-9]{1,18}(\.[0-9]{1,16})? [A-Z0-9]{2,10}",
        "write an amount, one space and a currency, such as 100000 USDT",
    ),
]
TraderId = Annotated[
    str,
    Field(min_length=3, max_length=36),
    Matches(
        r"[A-Za-z0-9_]+(-[A-Za-z0-9_]+)+",
        "write a name and a tag joined by '-', of letters, digits and '_', such as DESK-A-001",
    ),
]
OrderIdTag = Annotated[
    str,
    Field(min_length=1, max_length=8),
    Matches(r"[A-Z0-9]{1,8}", "write 1 to 8 capital letters or digits, such as EMA1"),
]
VenueName = Annotated[
    str,
    Field(min_length=1, max_length=32),
    Matches(
        r"[A-Z][A-Z0-9_]*",
        "write the venue as instrument ids end with it, in capital letters, digits and '_', such as BINANCE",
    ),
]
Image = Annotated[
    str,
    Field(min_length=1, max_length=512),
    Matches(
        r"[A-Za-z0-9][-A-Za-z0-9._:/@]*",
        "write an image reference without a scheme or spaces, such as example/trading-node:1.0.0",
    ),
]
Bucket = Annotated[
    str,
    Field(min_length=3, max_length=63),
    Matches(
        r"[a-z0-9][-_a-z0-9.]*[a-z0-9]",
        "write the bucket's bare name, without gs:// and folders, such as ticks; a folder goes to prefix",
    ),
]
ClaimName = Annotated[
    str,
    Field(min_length=1, max_length=253),
    Matches(
        r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?",
        "write the name of a PersistentVolumeClaim: lower-case letters, digits, '-' and '.', such as ticks",
    ),
]
Folder = Annotated[
    str,
    Field(max_length=512),
    Matches(
        r"([^/., \t\r\n][^/, \t\r\n]*(/[^/., \t\r\n][^/, \t\r\n]*)*)?",
        "write folders joined by '/', without a '/' at either end, spaces, commas or a leading '.', such as data/2026",
    ),
]
ReplaySpeed = Annotated[int | Literal["Maximum"], CountOrWord("Maximum", at_least=1, at_most=1_000_000)]
InstrumentName = Annotated[
    str,
    Field(min_length=3, max_length=128),
    Matches(
        r"[^\s]+\.[A-Z][A-Z0-9_]*",
        "write the instrument's id, symbol and venue joined by '.', such as BTCUSDT-PERP.BINANCE",
    ),
]
SecretName = Annotated[
    str,
    Field(min_length=1, max_length=253),
    Matches(
        r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?",
        "write the name of a Secret: lower-case letters, digits, '-' and '.', such as binance-testnet",
    ),
]
StorageClassName = Annotated[
    str,
    Field(min_length=1, max_length=253),
    Matches(
        r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?",
        "write the name of a StorageClass, such as standard-rwo, or remove it for the cluster's default",
    ),
]
StorageSize = Annotated[
    str,
    Field(min_length=2, max_length=12),
    Matches(r"[1-9][0-9]{0,6}(Mi|Gi|Ti)", "write a size in Mi, Gi or Ti, such as 10Gi"),
]
Duration = Annotated[
    str,
    Field(min_length=2, max_length=6),
    Matches(r"[1-9][0-9]{0,4}(s|m|h)", "write a whole number and s, m or h, such as 60s"),
]
VariableName = Annotated[
    str,
    Field(min_length=1, max_length=128),
    Matches("[A-Za-z_][A-Za-z0-9_]*", "write the name of an environment variable, such as BOOKS_DATABASE_URL"),
]
DirectoryPath = Annotated[str, Field(min_length=1, max_length=4096)]
"""A folder of the node's machine; relative paths count from the run-config's folder."""

_SECONDS = {"s": 1, "m": 60, "h": 3600}


def seconds_of(duration: str) -> int:
    """Return the seconds of a duration such as ``60s``."""
    return int(duration[:-1]) * _SECONDS[duration[-1]]
