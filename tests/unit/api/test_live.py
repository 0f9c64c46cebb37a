"""Trading live, in a manifest and in a run-config: what differs between them, and what no API server sees."""

import json
from typing import Any

import pytest

from tests.api.manifests import good_manifest, live_manifest
from trading_api.adapters import CREDENTIAL_KEYS, ENDPOINTS, ENVIRONMENTS, FIXED_VENUES, FOR_ORDERS, OPTIONS, Adapter
from trading_api.codec import dump_node_config, parse_deployment, parse_node_config
from trading_api.errors import InvalidDocument
from trading_api.fields import seconds_of
from trading_api.risk import dump_limits, limits_hash
from trading_api.venues import CredentialSource, Endpoints, Venue

REAL = set(Adapter) - {Adapter.REPLAY}


def run_config(**sections: Any) -> str:
    """A run-config that trades live on every venue, with whole sections replaced."""
    spec = parse_deployment(live_manifest()).spec
    keys = CredentialSource(env_prefix="DESK")
    section = {
        "mode": "Live",
        "trader_id": spec.trader_id,
        "strategies": [one.model_dump(mode="json") for one in spec.strategies],
        "venues": [
            venue.in_node(keys if venue.credentials else None).model_dump(mode="json", exclude_none=True)
            for venue in spec.venues
        ],
    }
    return json.dumps({"trading_node": section, "database": {"directory": "books"}} | sections)


def test_a_venue_is_the_same_in_the_node_but_for_where_its_keys_are() -> None:
    spec = parse_deployment(live_manifest()).spec
    assert {venue.adapter for venue in spec.venues} == REAL
    config = parse_node_config(run_config())
    assert parse_node_config(dump_node_config(config)) == config
    for deployed, in_node in zip(spec.venues, config.trading_node.venues, strict=True):
        for field in Venue.model_fields:
            assert getattr(in_node, field) == getattr(deployed, field)
        assert (in_node.credentials is None) == (deployed.credentials is None)


def faults(text: str) -> str:
    with pytest.raises(InvalidDocument) as caught:
        parse_node_config(text)
    return str(caught.value)


def test_a_live_run_config_keeps_books() -> None:
    assert "database: mode Live keeps books" in faults(run_config(database=None))


@pytest.mark.parametrize("source", [{}, {"directory": "keys", "env_prefix": "DESK"}])
def test_keys_have_one_source(source: dict[str, str]) -> None:
    section = json.loads(run_config())["trading_node"]
    section["venues"][0]["credentials"] = source
    told = faults(run_config(trading_node=section))
    assert "trading_node.venues[0].credentials: keys have one source: write either directory or env_prefix" in told


def test_rules_speak_the_run_config_s_own_spelling() -> None:
    section = json.loads(run_config())["trading_node"]
    del section["venues"][6]["interactive_brokers"]["account_id"]
    assert "add account_id to interactive_brokers" in faults(run_config(trading_node=section))


def test_every_adapter_says_what_it_can_do() -> None:
    assert set(OPTIONS) == set(ENDPOINTS) == set(FOR_ORDERS) == set(CREDENTIAL_KEYS) == set(Adapter)
    assert set(ENVIRONMENTS) == REAL
    assert set(FIXED_VENUES) == REAL - {Adapter.BINANCE}
    for adapter, fields in FOR_ORDERS.items():
        assert set(ENDPOINTS[adapter]) <= set(Endpoints.model_fields)
        for dotted in fields:
            block, field = dotted.split(".")
            assert block in {OPTIONS[adapter], "endpoints"}
            model: Any = Venue.model_fields[block].annotation
            assert field in model.__args__[0].model_fields


def test_limits_may_name_any_instrument_of_a_broker_and_only_its_own_of_another_venue() -> None:
    venues = {venue.name: venue for venue in parse_deployment(live_manifest()).spec.venues}
    assert venues["INTERACTIVE_BROKERS"].may_list("MSFT.NASDAQ")
    assert venues["OKX"].may_list("BTC-USDT.OKX")
    assert not venues["OKX"].may_list("BTC-USDT.XOKX")


def test_durations_and_hashes_are_the_same_for_everybody() -> None:
    assert [seconds_of(text) for text in ("60s", "2m", "1h")] == [60, 120, 3600]
    limits = parse_deployment(good_manifest()).spec.risk
    assert dump_limits(limits) == dump_limits(limits.model_copy())
    assert len(limits_hash(dump_limits(limits))) == 10
