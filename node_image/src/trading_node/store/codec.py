"""Events as bytes and back: one letter for the kind, then JSON with decimals as text."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec
from msgspec.structs import asdict, replace

from trading_node.book_events import Amended, BookEvent, Filled, FillVoided, Noted, Placed, Transition

LETTERS: dict[type[BookEvent], bytes] = {
    Placed: b"P",
    Transition: b"T",
    Amended: b"A",
    Filled: b"F",
    FillVoided: b"V",
    Noted: b"N",
}
UNTRANSLATED = "Untranslated"
"""Topic of what could not be told as what it is; about an operation where it names one."""
to_json: Callable[[Any], bytes] = msgspec.json.Encoder(enc_hook=str).encode
"""Writes what JSON does not know, such as an object among an algorithm's parameters, as its text."""
_DECODERS: dict[int, Callable[[bytes], BookEvent]] = {
    letter[0]: msgspec.json.Decoder(kind).decode for kind, letter in LETTERS.items()
}


class UnreadableEventError(ValueError):
    """Bytes that are no event of this release."""


def encode(event: BookEvent) -> bytes:
    """Return the event as bytes."""
    return LETTERS[type(event)] + to_json(event)


def encode_somehow(event: BookEvent, trouble: Exception) -> tuple[bytes, bool]:
    """Return an event that `encode` did not take, and whether it is whole.

    Text that is no text, such as half of a surrogate pair, is written as its escape; what cannot even be taken apart is
    noted as far as it can be shown.
    """
    try:
        return encode(replace(event, **{name: _clean(value) for name, value in asdict(event).items()})), True
    except Exception as error:  # noqa: BLE001 - whatever a strategy put into it, an order depends on this
        why = f"{trouble!r}, {error!r}"
    note = Noted(
        event_id=_clean_text(event.event_id),
        operation_id=_clean_text(event.operation_id),
        ts_event=event.ts_event,
        ts_init=event.ts_init,
        topic=UNTRANSLATED,
        details={"event": show(event), "why": _clean_text(why)},
    )
    return encode(note), False


def show(value: object) -> str:
    """Return what a value looks like, as text that can be written."""
    try:
        return _clean_text(repr(value))
    except Exception as error:  # noqa: BLE001 - a value that cannot show itself
        return f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"


def _clean(value: Any) -> Any:  # noqa: ANN401 - any value
    if value is None or isinstance(value, int | float | Decimal):
        return value
    if isinstance(value, Mapping):
        return {_clean_text(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item) for item in value]
    return _clean_text(str(value))


def _clean_text(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


def decode(data: bytes) -> BookEvent:
    """Return the event in the bytes. Raises UnreadableEventError."""
    decoder = _DECODERS.get(data[0]) if data else None
    if decoder is None:
        raise UnreadableEventError(f"no kind of event begins with {data[:1]!r}: it was written by another release")
    try:
        return decoder(data[1:])
    except (msgspec.MsgspecError, UnicodeDecodeError, ArithmeticError, ValueError) as error:
        raise UnreadableEventError(f"an event that cannot be read ({error})") from error
