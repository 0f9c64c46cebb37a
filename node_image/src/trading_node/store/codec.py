"""Events as bytes and back: one letter for the kind, then JSON with decimals as text."""

from collections.abc import Callable
from typing import Any

import msgspec

from trading_node.book_events import Amended, BookEvent, Filled, FillVoided, Noted, Placed, Transition

LETTERS: dict[type[BookEvent], bytes] = {
    Placed: b"P",
    Transition: b"T",
    Amended: b"A",
    Filled: b"F",
    FillVoided: b"V",
    Noted: b"N",
}
to_json: Callable[[Any], bytes] = msgspec.json.Encoder().encode
_DECODERS: dict[int, Callable[[bytes], BookEvent]] = {
    letter[0]: msgspec.json.Decoder(kind).decode for kind, letter in LETTERS.items()
}


class UnreadableEventError(ValueError):
    """Bytes that are no event of this release."""


def encode(event: BookEvent) -> bytes:
    """Return the event as bytes."""
    return LETTERS[type(event)] + to_json(event)


def decode(data: bytes) -> BookEvent:
    """Return the event in the bytes. Raises UnreadableEventError."""
    decoder = _DECODERS.get(data[0]) if data else None
    if decoder is None:
        raise UnreadableEventError(f"no kind of event begins with {data[:1]!r}: it was written by another release")
    try:
        return decoder(data[1:])
    except (msgspec.MsgspecError, UnicodeDecodeError, ArithmeticError, ValueError) as error:
        raise UnreadableEventError(f"an event that cannot be read ({error})") from error
