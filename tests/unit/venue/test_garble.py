"""Messages gone wrong: every way does what it says, and none makes a lie that a client could believe."""

import json
import random
from typing import Any

import pytest

from tests.venue.faults import Fault
from tests.venue.garble import ASSETS, Mode, garble
from tests.venue.listings import BINANCE_FUTURES, BINANCE_SPOT, OKX

MESSAGE = {"e": "ORDER_TRADE_UPDATE", "E": 1700000000000, "o": {"c": "abc-1", "q": "0.100", "X": "NEW", "m": False}}
TEXT = json.dumps(MESSAGE)
JSON_MODES = set(Mode) - {Mode.TRUNCATED, Mode.EMPTY, Mode.HTML, Mode.RUBBISH}


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for each in value.values() for leaf in leaves(each)]
    return [leaf for each in value for leaf in leaves(each)] if isinstance(value, list) else [value]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("seed", range(20))
def test_every_way_changes_the_message_and_invents_no_number(mode: Mode, seed: int) -> None:
    garbled = garble(TEXT, mode, random.Random(seed))
    assert garbled != TEXT
    assert garbled == garble(TEXT, mode, random.Random(seed))
    if mode in JSON_MODES:
        numbers = {str(leaf) for leaf in leaves(json.loads(garbled)) if str(leaf).replace(".", "").isdigit()}
        # A new field and a new kind bring ones of their own.
        assert numbers <= {"1700000000000", "0.100", "1"}


def test_a_fee_is_never_said_to_be_in_money_that_is_not_there() -> None:
    instruments = [one for listing in (BINANCE_SPOT, BINANCE_FUTURES, OKX) for one in listing.instruments()]
    assert {name for one in instruments for name in (one.base, one.quote, one.settle)} == ASSETS
    fill = json.dumps({"X": "FILLED", "n": "0.1", "N": "USDT"})
    garbled = {garble(fill, Mode.NEW_WORD, random.Random(seed)) for seed in range(20)}
    assert garbled == {fill.replace("FILLED", "SOMETHING_NEW").replace(": ", ":").replace(", ", ",")}


def test_new_fields_leave_what_was_there() -> None:
    garbled = json.loads(garble(TEXT, Mode.NEW_FIELDS, random.Random(1)))
    assert garbled.pop("zz_new")
    assert garbled["o"].pop("zz_new")
    assert garbled == MESSAGE


def test_all_ways_are_drawn_without_a_mode() -> None:
    rng = random.Random(1)
    drawn = {garble(TEXT, None, rng) for _ in range(300)}
    assert "" in drawn
    assert any(text.startswith("<html>") for text in drawn)
    assert any('"SOMETHING_NEW"' in text for text in drawn)


@pytest.mark.parametrize("text", ["", "no json", "[]", "null", "{}"])
@pytest.mark.parametrize("mode", Mode)
def test_nothing_is_too_small_to_be_garbled(text: str, mode: Mode) -> None:
    assert isinstance(garble(text, mode, random.Random(1)), str)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`mode` must be one of \['truncated'"):
        Fault.from_json({"action": "garble", "stream": "user", "mode": "upside-down"})
