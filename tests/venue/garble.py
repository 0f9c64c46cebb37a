"""Messages that are not what they should be: cut off, no JSON at all, or JSON with something missing, odd or new.

What comes out is never a plausible lie: no number turns into another number that a client could take for true.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any


class Mode(StrEnum):
    TRUNCATED = "truncated"
    EMPTY = "empty"
    HTML = "html"
    """What a proxy answers in the venue's place."""
    RUBBISH = "rubbish"
    NEW_FIELDS = "new_fields"
    """Fields that nobody has heard of yet; the rest is as it was."""
    NEW_KIND = "new_kind"
    """A whole message of a kind that nobody has heard of yet."""
    MISSING = "missing"
    NULL = "null"
    WRONG_TYPE = "wrong_type"
    NEW_WORD = "new_word"
    """A word where the client knows a few."""
    NO_NUMBER = "no_number"


_HTML = "<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"
_RUBBISH = ("\x00\x01\x02", "\ufffd\ufffd", "[[[[[[[[", '{"', "true", "null", "0", '"text"', "[]", "{}", '{"e":null}')
_NEW_KIND = {"e": "SOMETHING_NEW", "E": 1, "T": 1, "event": "something-new", "arg": {"channel": "something-new"}}
ASSETS = frozenset({"BTC", "ETH", "USDT"})
"""What money is called here. No client knows a few of them: an unknown one of a fee would be taken for true."""
_NO_NUMBERS = ("", "NaN", "Infinity", "-", "1e9999", "abc")


def garble(text: str, mode: Mode | None, rng: random.Random) -> str:
    """Return the message gone wrong; without a mode, any of them is drawn."""
    return _WAYS[mode or rng.choice(tuple(Mode))](text, rng)


def _truncated(text: str, rng: random.Random) -> str:
    return text[: rng.randrange(len(text))] if text else text


def _new_fields(text: str, rng: random.Random) -> str:
    def add(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: add(each) for key, each in value.items()} | {"zz_new": {"a": [1, None]}}
        return [add(each) for each in value] if isinstance(value, list) else value

    return _with_json(text, add)


def _new_kind(_text: str, _rng: random.Random) -> str:
    return json.dumps(_NEW_KIND)


def _missing(text: str, rng: random.Random) -> str:
    def drop(value: Any) -> Any:
        places = list(_places(value))
        if places:
            holder, key = rng.choice(places)
            del holder[key]
        return value

    return _with_json(text, drop)


def _replacing(choose: Callable[[Any, random.Random], Any], fits: Callable[[Any], bool]) -> Callable[..., str]:
    def way(text: str, rng: random.Random) -> str:
        def replace(value: Any) -> Any:
            places = [(holder, key) for holder, key in _places(value) if fits(holder[key])]
            if places:
                holder, key = rng.choice(places)
                holder[key] = choose(holder[key], rng)
            return value

        return _with_json(text, replace)

    return way


def _other_type(value: Any, rng: random.Random) -> Any:
    others: list[Any] = [{"a": 1}, ["a"], True, "text"]
    return rng.choice([other for other in others if not isinstance(value, type(other))])


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and value.replace("_", "").isalpha() and value not in ASSETS


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    return str(value).replace(".", "", 1).lstrip("-").isdigit()


def _with_json(text: str, change: Callable[[Any], Any]) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return json.dumps(change(value), separators=(",", ":"))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Give each place in a document as the holder and its key or index."""
    pairs = list(value.items()) if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in pairs:
        yield value, key
        yield from _places(each)


_WAYS: dict[Mode, Callable[[str, random.Random], str]] = {
    Mode.TRUNCATED: _truncated,
    Mode.EMPTY: lambda _text, _rng: "",
    Mode.HTML: lambda _text, _rng: _HTML,
    Mode.RUBBISH: lambda _text, rng: rng.choice(_RUBBISH),
    Mode.NEW_FIELDS: _new_fields,
    Mode.NEW_KIND: _new_kind,
    Mode.MISSING: _missing,
    Mode.NULL: _replacing(lambda _value, _rng: None, lambda value: value is not None),
    Mode.WRONG_TYPE: _replacing(_other_type, lambda _value: True),
    Mode.NEW_WORD: _replacing(lambda _value, _rng: "SOMETHING_NEW", _is_word),
    Mode.NO_NUMBER: _replacing(lambda _value, rng: rng.choice(_NO_NUMBERS), _is_number),
}
