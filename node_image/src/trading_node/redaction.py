"""Takes out of texts for people what nobody is to read: keys, secrets, and what variables of the environment hold."""

import json
import re
from collections.abc import Iterable
from typing import Final

SHORT = 4
"""A value below this length is hidden only where it stands in quotes: a single letter is in every sentence."""
SHORTEST_LINE = 16
"""Lines of a key of several lines are hidden one by one, unless they are so short that they say nothing."""

SUSPECT_WORDS: Final = (
    r"secret|passw|passphrase|(?:^|_)pass(?:$|_)|pwd|token|credential|private|api_?key|dsn|mnemonic|seed_?phrase"
)
"""In names of variables and fields that hold a secret; a pattern, to be read whatever the case."""

_SIGNED = "signature="
_SIGNATURE = re.compile(rf"(?<={_SIGNED})[^&\s\"')\\]+")
"""Clients quote the address of a request that failed, and with it what signed it: good for a few more seconds."""

type Hidden = tuple[str, str]
"""A value, and what is shown in its place."""


class Redactor:
    """Replaces values by what may be shown in their place."""

    def __init__(self, values: Iterable[Hidden] = ()) -> None:
        """Start with these."""
        self._shown: dict[str, str] = {}
        self._pattern = re.compile(r"(?!)")
        self.add(values)

    def __repr__(self) -> str:
        """Say how much is hidden, and nothing of it."""
        return f"Redactor({len(self._shown)} values)"

    def add(self, values: Iterable[Hidden]) -> None:
        """Hide more."""
        shown = dict(self._shown)
        for value, instead in values:
            for spelling in _spellings(value):
                shown.setdefault(spelling, instead)
        longest_first = sorted(shown, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_one_pattern, longest_first)) or r"(?!)")
        self._shown = shown

    def redact(self, text: str) -> str:
        """Return a text without the values, and without signatures of requests."""
        if _SIGNED in text:
            text = _SIGNATURE.sub("<hidden>", text)
        # Looking for each value is several times faster than the pattern, and log lines seldom hold one.
        if not any(value in text for value in self._shown):
            return text
        return self._pattern.sub(lambda match: self._shown[match[0]], text)


def _spellings(value: str) -> set[str]:
    """Return a value as it is, as JSON and Python write it inside quotes, and its lines."""
    spellings = {value, value.strip(), repr(value)[1:-1]}
    spellings |= {json.dumps(value, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    lines = value.split("\n") if "\n" in value.strip() else []
    spellings |= {line.strip() for line in lines if len(line) > SHORTEST_LINE and not line.startswith("-----")}
    return {spelling for spelling in spellings if spelling}


def _one_pattern(value: str) -> str:
    quoted = re.escape(value)
    return quoted if len(value) >= SHORT else rf"(?<=[\"'`]){quoted}(?=[\"'`])"


EVERYWHERE: Final = Redactor()
"""What this process must write nowhere: log, messages, status."""
IN_ERRORS: Final = Redactor()
"""What this process must not write into an error, whoever will read that."""


def hide(values: Iterable[Hidden]) -> None:
    """Keep values out of everything that this process writes from now on."""
    known = tuple(values)
    EVERYWHERE.add(known)
    IN_ERRORS.add(known)
