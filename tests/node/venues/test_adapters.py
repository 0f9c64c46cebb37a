"""From a venue of the run-config to the configs of Nautilus' adapters, which their factories take."""

import asyncio
import os
from typing import Any

import pytest
from nautilus_trader.adapters.binance import BinanceAccountType
from nautilus_trader.adapters.binance.common.enums import BinanceEnvironment
from nautilus_trader.adapters.binance.common.symbol import BinanceSymbol
from nautilus_trader.adapters.interactive_brokers import factories
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.core import nautilus_pyo3 as native
from nautilus_trader.model.enums import AccountType
from nautilus_trader.model.identifiers import InstrumentId, TraderId

from tests.node.venues.venues import ED25519, OPTIONS, VARIABLES, client, venue
from trading_api.adapters import CREDENTIAL_KEYS, ENVIRONMENTS, FIXED_VENUES, Adapter
from trading_api.exit_codes import ExitCode
from trading_node.errors import NodeError
from trading_node.redaction import EVERYWHERE
from trading_node.venues.binance import is_ed25519
from trading_node.venues.bybit import nautilus_symbol
from trading_node.venues.interactive_brokers import gateway

WITH_SYSTEMS = [adapter for adapter in OPTIONS if adapter is not Adapter.INTERACTIVE_BROKERS]
"""Interactive Brokers has one gateway for each, and one client for both kinds: its tests are at the end."""
SYSTEMS = [(adapter, system) for adapter in WITH_SYSTEMS for system in ENVIRONMENTS[adapter]]


async def create(made: Any, name: str) -> Any:
    """Have a factory make a client, connected to nothing."""
    clock = LiveClock()
    return made.factory.create(
        loop=asyncio.get_running_loop(),
        name=name,
        config=made.config,
        msgbus=MessageBus(TraderId("DESK-A-001"), clock),
        cache=Cache(),
        clock=clock,
    )


@pytest.mark.parametrize(("adapter", "system"), SYSTEMS)
async def test_factories_make_clients_for_every_system(adapter: Adapter, system: str) -> None:
    of = venue(adapter, environment=system)
    for kind in ("data", "execution"):
        made = client(of, kind)
        assert (await create(made, of.name)).venue.value == of.name
        assert made.config.environment is not None


@pytest.mark.parametrize("adapter", WITH_SYSTEMS)
def test_orders_are_sent_once(adapter: Adapter) -> None:
    made = client(venue(adapter), "execution")
    # Nautilus takes None for three tries, except at Binance, where it is none.
    assert made.config.max_retries == (None if adapter is Adapter.BINANCE else 0)


@pytest.mark.parametrize("adapter", [adapter for adapter in WITH_SYSTEMS if adapter is not Adapter.OKX])
async def test_market_data_needs_no_keys(adapter: Adapter, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.endswith(("API_KEY", "API_SECRET", "_PK")):
            monkeypatch.delenv(name)  # nothing is found by accident
    of = venue(adapter, credentials=None, account=None)
    made = client(of, "data")
    assert not any(getattr(made.config, key, None) for key in ("api_key", "api_secret", "private_key"))
    assert (await create(made, of.name)).venue.value == of.name


def test_okx_needs_keys_for_market_data_too() -> None:
    with pytest.raises(NodeError, match="keys that may only read are enough"):
        client(venue(Adapter.OKX, credentials=None, account=None), "data")


@pytest.mark.parametrize("adapter", WITH_SYSTEMS)
def test_instruments_are_the_named_ones_or_all(adapter: Adapter) -> None:
    name = f"X.{FIXED_VENUES.get(adapter, 'BINANCE')}"
    for kind in ("data", "execution"):
        provider = client(venue(adapter), kind).config.instrument_provider
        assert (provider.load_all, provider.load_ids) == (True, None)
        provider = client(venue(adapter, instruments=[name]), kind).config.instrument_provider
        assert (provider.load_all, provider.load_ids) == (False, frozenset({InstrumentId.from_str(name)}))


@pytest.mark.parametrize("adapter", [adapter for adapter in WITH_SYSTEMS if CREDENTIAL_KEYS[adapter]])
def test_keys_reach_the_client_and_nothing_else(adapter: Adapter) -> None:
    config = client(venue(adapter), "execution").config
    fields = {"api-key": "api_key", "api-secret": "api_secret", "passphrase": "api_passphrase"}
    for name in CREDENTIAL_KEYS[adapter]:
        value = VARIABLES[f"DESK_{name.upper().replace('-', '_')}"]
        assert getattr(config, fields.get(name, name.replace("-", "_"))) == value
        assert EVERYWHERE.redact(f"it is {value}") == f"it is <{name}>"


def test_binance_has_its_markets_systems_window_and_addresses() -> None:
    endpoints = {"http": "http://h:1", "data_stream": "ws://d:2", "trade_stream": "ws://t:3", "user_stream": "ws://u:4"}
    of = venue(
        Adapter.BINANCE,
        name="BINANCE_COIN",
        environment="Testnet",
        endpoints=endpoints,
        binance={
            "account_type": "CoinFutures",
            "aggregate_trades": True,
            "receive_window_milliseconds": 3000,
            "leverages": [{"symbol": "BTCUSD_PERP", "leverage": 5}],
        },
    )
    data, orders = client(of, "data").config, client(of, "execution").config
    for config in (data, orders):
        assert config.venue.value == "BINANCE_COIN"
        assert config.account_type is BinanceAccountType.COIN_FUTURES
        assert config.environment is BinanceEnvironment.TESTNET
        assert config.base_url_http == "http://h:1"
    assert data.base_url_ws == "ws://d:2"
    assert data.use_agg_trade_ticks
    assert (orders.base_url_ws, orders.base_url_ws_stream) == ("ws://t:3", "ws://u:4")
    assert orders.recv_window_ms == 3000
    assert orders.futures_leverages == {BinanceSymbol("BTCUSD_PERP"): 5}
    assert client(venue(Adapter.BINANCE), "execution").config.recv_window_ms == 5000


PEM = f"-----BEGIN PRIVATE KEY-----\n{ED25519}\n-----END PRIVATE KEY-----"
SPOT = {"account_type": "Spot"}


@pytest.mark.parametrize("secret", [ED25519, PEM, PEM.replace("\n", "\r\n")])
def test_binance_spot_takes_ed25519_keys(secret: str) -> None:
    assert is_ed25519(secret)
    assert client(venue(Adapter.BINANCE, binance=SPOT), "execution", DESK_API_SECRET=secret).config.api_secret == secret


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ("Nhqp", "has an HMAC key, and Binance Spot trades with Ed25519 keys only"),
        (ED25519[:-4], "has an HMAC key"),
        ("x" * 64, "has an HMAC key"),
        (PEM.replace("PRIVATE", "ENCRYPTED PRIVATE"), "has a key that is encrypted, or neither Ed25519 nor HMAC"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "has a key that is encrypted"),
    ],
)
def test_binance_spot_refuses_what_would_never_trade(secret: str, words: str) -> None:
    with pytest.raises(NodeError, match=words) as error:
        client(venue(Adapter.BINANCE, binance=SPOT), "execution", DESK_API_SECRET=secret)
    assert error.value.exit_code is ExitCode.CONFIG_REFUSED
    assert error.value.reason == "VenueRefused"
    assert "openssl genpkey -algorithm ed25519" in str(error.value)
    assert secret not in str(error.value)


def test_binance_futures_take_hmac_keys_too() -> None:
    assert client(venue(Adapter.BINANCE), "execution", DESK_API_SECRET="hmac" * 16).config.api_secret == "hmac" * 16


def test_binance_spot_has_no_user_stream_of_its_own() -> None:
    of = venue(Adapter.BINANCE, binance=SPOT, endpoints={"user_stream": "ws://u:4"})
    with pytest.raises(NodeError, match="Remove user_stream"):
        client(of, "execution")


def test_bybit_has_its_products_margin_and_addresses() -> None:
    endpoints = {"http": "http://h:1", "trade_stream": "ws://t:3", "user_stream": "ws://u:4"}
    options = {
        "product_types": ["Linear", "Inverse"],
        "margin_mode": "Cross",
        "leverages": [{"symbol": "BTCUSDT", "leverage": 3}, {"symbol": "BTCUSD", "leverage": 2}],
    }
    of = venue(Adapter.BYBIT, environment="Demo", bybit=options, endpoints=endpoints)
    data, orders = client(of, "data").config, client(of, "execution").config
    for config in (data, orders):
        assert config.product_types == (native.BybitProductType.LINEAR, native.BybitProductType.INVERSE)
        assert config.environment == native.BybitEnvironment.DEMO
    assert data.base_url_http is None  # it would be taken for the streams' too
    assert orders.base_url_http == "http://h:1"
    assert (orders.base_url_ws_trade, orders.base_url_ws_private) == ("ws://t:3", "ws://u:4")
    assert orders.margin_mode == native.BybitMarginMode.REGULAR_MARGIN
    assert orders.max_retries == 0
    assert orders.futures_leverages == {"BTCUSDT-LINEAR": 3, "BTCUSD-INVERSE": 2}
    assert not orders.auto_repay_spot_borrows


@pytest.mark.parametrize("symbol", ["BTCUSDT", "BTCUSD", "BTCPERP", "BTCUSDT-LINEAR"])
def test_bybit_symbols_are_those_that_nautilus_can_read(symbol: str) -> None:
    kind = native.bybit_product_type_from_symbol(nautilus_symbol(symbol))
    assert kind == (native.BybitProductType.INVERSE if symbol == "BTCUSD" else native.BybitProductType.LINEAR)


def test_okx_has_its_groups_region_margin_and_addresses() -> None:
    endpoints = {"http": "http://h:1", "data_stream": "ws://d:2", "trade_stream": "ws://t:3"}
    options = {
        "instrument_types": ["Spot", "Swap", "Option"],
        "instrument_families": ["BTC-USD"],
        "contract_types": ["Linear"],
        "region": "EEA",
        "margin_mode": "Cross",
        "spot_margin": True,
    }
    of = venue(Adapter.OKX, environment="Demo", okx=options, endpoints=endpoints)
    data, orders = client(of, "data").config, client(of, "execution").config
    kinds = native.OKXInstrumentType
    for config in (data, orders):
        assert config.instrument_types == (kinds.SPOT, kinds.SWAP, kinds.OPTION)
        assert config.instrument_families == ("BTC-USD",)
        assert config.contract_types == (native.OKXContractType.LINEAR,)
        assert config.environment == native.OKXEnvironment.DEMO
        assert config.region == native.OKXRegion.EEA
        assert config.base_url_http == "http://h:1"
    assert (data.base_url_ws, orders.base_url_ws) == ("ws://d:2", "ws://t:3")
    assert orders.max_retries == 0
    assert orders.margin_mode == native.OKXMarginMode.CROSS
    assert orders.use_spot_margin


def test_deribit_has_its_products_and_addresses() -> None:
    endpoints = {"http": "http://h:1", "data_stream": "ws://d:2"}
    options = {"product_types": ["Future", "OptionCombo"]}
    of = venue(Adapter.DERIBIT, environment="Testnet", deribit=options, endpoints=endpoints)
    data, orders = client(of, "data").config, client(of, "execution").config
    for config in (data, orders):
        products = native.DeribitProductType
        assert config.product_types == (products.FUTURE, products.OPTION_COMBO)
        assert config.environment == native.DeribitEnvironment.TESTNET
        assert config.base_url_http == "http://h:1"
    assert data.base_url_ws == "ws://d:2"
    assert orders.max_retries == 0


@pytest.mark.parametrize(("product", "suffix"), [("Spot", "spot"), ("Futures", "futures")])
def test_kraken_has_one_exchange_with_its_addresses(product: str, suffix: str) -> None:
    endpoints = {"http": "http://h:1", "data_stream": "ws://d:2", "user_stream": "ws://u:4"}
    of = venue(Adapter.KRAKEN, kraken={"product_type": product}, endpoints=endpoints)
    data, orders = client(of, "data").config, client(of, "execution").config
    other = "futures" if suffix == "spot" else "spot"
    for config in (data, orders):
        assert config.product_types == (getattr(native.KrakenProductType, product.upper()),)
        assert getattr(config, f"base_url_http_{suffix}") == "http://h:1"
        assert getattr(config, f"base_url_http_{other}") is None
    assert getattr(data, f"base_url_ws_{suffix}") == "ws://d:2"
    assert getattr(orders, f"base_url_ws_{suffix}") == "ws://u:4"
    assert orders.max_retries == 0


def test_kraken_spot_may_borrow() -> None:
    options = {"product_type": "Spot", "spot_account_type": "Margin", "default_leverage": 3}
    config = client(venue(Adapter.KRAKEN, kraken=options), "execution").config
    assert (config.spot_account_type, config.default_leverage) == (AccountType.MARGIN, 3)
    config = client(venue(Adapter.KRAKEN, kraken={"product_type": "Spot"}), "execution").config
    assert (config.spot_account_type, config.default_leverage) == (AccountType.CASH, None)


def test_hyperliquid_has_its_products_accounts_and_addresses() -> None:
    address = "0x" + "a" * 40
    options = {"product_types": ["Perp", "Spot"], "account_address": address, "vault_address": address}
    endpoints = {"data_stream": "ws://d:2", "trade_stream": "ws://t:3"}
    of = venue(Adapter.HYPERLIQUID, environment="Testnet", hyperliquid=options, endpoints=endpoints)
    data, orders = client(of, "data").config, client(of, "execution").config
    for config in (data, orders):
        assert [product.value for product in config.product_types] == ["perp", "spot"]
        assert config.environment == native.HyperliquidEnvironment.TESTNET
    assert (data.base_url_ws, orders.base_url_ws) == ("ws://d:2", "ws://t:3")
    assert (orders.account_address, orders.vault_address) == (address, address)
    assert not orders.include_builder_attribution


def test_hyperliquid_refuses_a_key_that_is_none() -> None:
    with pytest.raises(NodeError, match="64 hexadecimal digits") as error:
        client(venue(Adapter.HYPERLIQUID), "execution", DESK_PRIVATE_KEY="word word word")
    assert "word word" not in str(error.value)


@pytest.mark.parametrize(
    ("system", "variable"),
    [
        ("Live", "HYPERLIQUID_VAULT"),
        ("Live", "HYPERLIQUID_ACCOUNT_ADDRESS"),
        ("Testnet", "HYPERLIQUID_TESTNET_VAULT"),
        ("Testnet", "HYPERLIQUID_ACCOUNT_ADDRESS"),
    ],
)
def test_hyperliquid_trades_for_no_account_that_the_run_config_does_not_name(
    system: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "0x" + "a" * 40
    monkeypatch.setenv(variable, address)
    # This is what makes it dangerous: Nautilus would take it.
    environment = getattr(native.HyperliquidEnvironment, "MAINNET" if system == "Live" else "TESTNET")
    resolved = native.hyperliquid_resolve_execution_account_address(
        private_key="0x" + "7" * 64, vault_address=None, account_address=None, environment=environment
    )
    assert resolved == address
    of = venue(Adapter.HYPERLIQUID, environment=system)
    with pytest.raises(NodeError, match=f"{variable}.*Unset it"):
        client(of, "execution")
    assert client(of, "data").config is not None
    named = {"product_types": ["Perp"], "account_address": address, "vault_address": address}
    of = venue(Adapter.HYPERLIQUID, environment=system, hyperliquid=named)
    assert client(of, "execution").config.vault_address == address


@pytest.mark.parametrize(("system", "account"), [("Demo", "U1234567"), ("Live", "DU1234567")])
def test_interactive_brokers_trades_on_the_system_that_its_account_is_of(system: str, account: str) -> None:
    options = {"host": "gateway", "port": 4001, "account_id": account}
    of = venue(Adapter.INTERACTIVE_BROKERS, environment=system, interactive_brokers=options)
    with pytest.raises(NodeError, match=f"names environment {system} and the account {account}"):
        client(of, "execution")
    assert client(of, "data").config.ibg_port == 4001


@pytest.mark.parametrize(("system", "port"), [("Live", 4001), ("Demo", 4002)])
def test_interactive_brokers_is_reached_at_its_gateway(system: str, port: int) -> None:
    of = venue(Adapter.INTERACTIVE_BROKERS, environment=system)
    assert gateway(of) == {"ibg_host": "gateway", "ibg_port": port, "ibg_client_id": 1}


async def test_interactive_brokers_has_its_clients_on_one_connection(
    gateway_client: factories.InteractiveBrokersClient,
) -> None:
    options = {
        "host": "gateway",
        "client_id": 7,
        "account_id": "U1234567",
        "market_data_type": "DelayedFrozen",
        "regular_trading_hours": False,
    }
    of = venue(Adapter.INTERACTIVE_BROKERS, interactive_brokers=options, instruments=["SPY.ARCA", "AAPL.NASDAQ"])
    data, orders = client(of, "data"), client(of, "execution")
    for made in (data, orders):
        provider = made.config.instrument_provider
        assert provider.load_ids == {InstrumentId.from_str("SPY.ARCA"), InstrumentId.from_str("AAPL.NASDAQ")}
        assert made.config.routing.default
        built = await create(made, of.name)
        assert built.id.value == of.name
        assert built._client is gateway_client
    assert (data.config.market_data_type, data.config.use_regular_trading_hours) == (4, False)
    assert orders.config.account_id == "U1234567"
    assert built.account_id.value == "INTERACTIVE_BROKERS-U1234567"


def test_interactive_brokers_needs_an_account_for_orders_alone() -> None:
    of = venue(Adapter.INTERACTIVE_BROKERS, account=None, interactive_brokers={"host": "gateway"}, paper=None)
    assert client(of, "data").config.ibg_host == "gateway"
    with pytest.raises(NodeError, match="names no account"):
        client(of, "execution")
