"""All faults at once: rules between fields are judged also where other fields are at fault."""

import json
from typing import Any

import pytest

from trading_api.codec import parse_node_config
from trading_api.errors import InvalidDocument


def config() -> dict[str, Any]:
    strategy = {"path": "desk.ema:Ema", "config_path": "desk.ema:EmaConfig"}
    return {
        "trading_node": {
            "mode": "Paper",
            "trader_id": "DESK-001",
            "strategies": [
                {"name": "a", "order_id_tag": "1", **strategy},
                {"name": "b", "order_id_tag": "2", **strategy},
            ],
            "catalogs": [{"name": "ticks", "path": "ticks"}],
            "venues": [
                {
                    "name": "X",
                    "adapter": "Replay",
                    "replay": {"catalog": "ticks"},
                    "paper": {"starting_balances": ["1000 USDT"]},
                }
            ],
        },
        "risk_engine": {},
        "logging": {},
    }


def faults(document: dict[str, Any]) -> dict[str, str]:
    """Return the faults by path; each place has one here."""
    with pytest.raises(InvalidDocument) as refused:
        parse_node_config(json.dumps(document))
    assert len({fault.path for fault in refused.value.errors}) == len(refused.value.errors), refused.value
    return dict(refused.value.errors)


def test_the_config_that_the_others_change_is_well() -> None:
    assert parse_node_config(json.dumps(config())).trading_node.trader_id == "DESK-001"


def test_a_rule_of_the_same_section_is_judged_beside_a_wrong_field() -> None:
    document = config()
    document["trading_node"]["trader_id"] = "no id"
    document["trading_node"]["venues"][0]["replay"]["catalog"] = "nowhere"
    document["trading_node"]["strategies"][1]["name"] = "a"
    found = faults(document)
    assert set(found) == {"trading_node.trader_id", "trading_node.strategies", "trading_node.venues"}
    assert "nowhere" not in found["trading_node.strategies"]
    assert "catalog" in found["trading_node.venues"]


def test_a_rule_between_sections_is_judged_beside_a_wrong_field_in_one_of_them() -> None:
    document = config()
    document["logging"]["level"] = "LOUD"
    document["trading_node"]["http"] = {"port": -1}
    document["risk_engine"]["strategies"] = [{"name": "nobody", "max_orders_per_second": 3}]
    assert set(faults(document)) == {"logging.level", "trading_node.http.port", "risk_engine"}


def test_a_section_that_breaks_its_own_rule_is_well_enough_for_the_rules_above_it() -> None:
    document = config()
    document["trading_node"]["strategies"][1]["name"] = "a"
    document["risk_engine"]["strategies"] = [{"name": "nobody", "max_orders_per_second": 3}]
    assert set(faults(document)) == {"trading_node.strategies", "risk_engine"}


@pytest.mark.parametrize("name", [None, 7, "no name!", {}])
def test_a_rule_about_what_is_at_fault_is_not_judged(name: object) -> None:
    """A limit for a strategy whose own name is wrong may be right."""
    document = config()
    document["trading_node"]["strategies"][1]["name"] = name
    document["risk_engine"]["strategies"] = [{"name": "b", "max_orders_per_second": 3}]
    assert set(faults(document)) == {"trading_node.strategies[1].name"}


def test_what_may_stand_under_a_misspelt_name_is_not_missed() -> None:
    document = config()
    document["trading_node"] |= {"mode": "Live"}
    del document["trading_node"]["venues"][0]["paper"]
    document["databse"] = {"directory": "books"}
    found = faults(document)
    assert found["databse"] == "unknown field: did you mean database?"
    assert "database" not in found
