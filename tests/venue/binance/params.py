"""Parameters of a Binance request, parsed with Binance's complaints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import parse_qsl

from tests.venue.binance.errors import BinanceError, invalid, missing

_DECIMAL = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
_MAX_LONG = 2**63 - 1


class Params:
    """Names to raw strings, with typed access."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    @classmethod
    def parse(cls, *encoded: str) -> Params:
        """Merge query string and form body; a name that comes twice is refused."""
        values: dict[str, str] = {}
        for text in encoded:
            for name, value in parse_qsl(text, keep_blank_values=True):
                if name in values:
                    raise BinanceError(-1101, f"Too many parameters; duplicate values for parameter '{name}' detected.")
                values[name] = value
        return cls(values)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def raw(self) -> dict[str, str]:
        return dict(self._values)

    def text(self, name: str) -> str | None:
        value = self._values.get(name)
        if value == "":
            raise BinanceError(-1105, f"Parameter '{name}' was empty.")
        return value

    def required(self, name: str) -> str:
        value = self._values.get(name)
        if not value:
            raise missing(name)
        return value

    def decimal(self, name: str) -> Decimal | None:
        value = self.text(name)
        if value is None:
            return None
        if not _DECIMAL.fullmatch(value):
            legal = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
            raise BinanceError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")
        return Decimal(value)

    def integer(self, name: str) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        if not value.isascii() or not value.isdigit() or len(value) > 19 or int(value) > _MAX_LONG:
            raise BinanceError(
                -1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'."
            )
        return int(value)

    def boolean(self, name: str) -> bool:
        value = self.text(name)
        if value is None:
            return False
        if value.lower() not in ("true", "false"):
            raise invalid(name)
        return value.lower() == "true"

    def choice[T](self, name: str, options: Mapping[str, T], error: BinanceError) -> T:
        value = self.required(name)
        if value not in options:
            raise error
        return options[value]

    def client_id(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            return ""
        if not _CLIENT_ID.fullmatch(value):
            legal = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
            raise BinanceError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")
        return value

    def limit(self, default: int, most: int) -> int:
        value = self.integer("limit")
        if value is None:
            return default
        if not 0 < value <= most:
            raise invalid("limit")
        return value
