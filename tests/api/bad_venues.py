"""What is refused of a venue that is not a replay."""

from typing import Any

from tests.api.bad import Bad
from tests.api.manifests import Change, live_manifest, remove, write


def _live(title: str, change: Change, path: str, says: str, models_say: str = "") -> Bad:
    return Bad(title, change, path, says, models_say, base=live_manifest)


def _update(path: int, **fields: Any) -> Change:
    """Set fields of a venue; None removes one."""

    def change(manifest: dict[str, Any]) -> None:
        venue = manifest["spec"]["venues"][path]
        venue |= {field: value for field, value in fields.items() if value is not None}
        for field, value in fields.items():
            if value is None:
                del venue[field]

    return change


_NEEDS = {
    0: ("binance", "write binance with accountType: Spot, UsdtFutures or CoinFutures"),
    1: ("bybit", "write bybit with productTypes: Spot, or some of Linear, Inverse, Option"),
    2: ("okx", "write okx with instrumentTypes: some of Spot, Margin, Swap, Futures, Option"),
    3: ("deribit", "write deribit with productTypes: some of Future, Option"),
    4: ("kraken", "write kraken with productType: Spot or Futures"),
    5: ("hyperliquid", "write hyperliquid with productTypes: some of Perp"),
    6: ("interactiveBrokers", "write interactiveBrokers with host, where the gateway listens"),
}
_NO_SYSTEM = {2: "Testnet", 3: "Demo", 5: "Demo", 6: "Testnet"}
_NAMES = {1: "BYBIT", 2: "OKX", 3: "DERIBIT", 4: "KRAKEN", 5: "HYPERLIQUID", 6: "INTERACTIVE_BROKERS"}
_NO_ENDPOINT = {
    1: ("dataStream", "the adapter Bybit can change only http, tradeStream, userStream"),
    2: ("userStream", "the adapter OKX can change only http, dataStream, tradeStream"),
    4: ("tradeStream", "the adapter Kraken can change only http, dataStream, userStream"),
    5: ("userStream", "the adapter Hyperliquid can change only dataStream, tradeStream"),
}

REAL_VENUES = (
    *(
        _live(f"{block} without its options", remove(f"spec.venues[{n}].{block}"), f"spec.venues[{n}].{block}", says)
        for n, (block, says) in _NEEDS.items()
    ),
    *(
        _live(
            f"an environment that venue {n} does not have",
            write(f"spec.venues[{n}].environment", environment),
            f"spec.venues[{n}].environment",
            "has no such system: write Live or",
        )
        for n, environment in _NO_SYSTEM.items()
    ),
    *(
        _live(
            f"a name that instruments of {name} do not end with",
            _update(n, name="DESK", instruments=["BTCUSDT.DESK"]),
            f"spec.venues[{n}].name",
            f"instrument ids of this adapter end with {name}: write {name}",
        )
        for n, name in _NAMES.items()
    ),
    *(
        _live(
            f"an endpoint that venue {n} cannot change",
            write(f"spec.venues[{n}].endpoints", {field: "wss://gateway.example.com"}),
            f"spec.venues[{n}].endpoints",
            says,
        )
        for n, (field, says) in _NO_ENDPOINT.items()
    ),
    _live(
        "options of another adapter",
        write("spec.venues[0].kraken", {"productType": "Spot"}),
        "spec.venues[0].kraken",
        "these are options of another adapter: remove it, or write Kraken as adapter",
    ),
    Bad(
        "a replay in an environment",
        write("spec.venues[0].environment", "Live"),
        "spec.venues[0].environment",
        "a replay connects to no venue: remove it, or write another adapter",
    ),
    Bad(
        "a replay of some instruments",
        write("spec.venues[0].instruments", ["BTCUSDT.BINANCE"]),
        "spec.venues[0].instruments",
        "a replay connects to no venue",
    ),
    Bad(
        "a replay with keys",
        write("spec.venues[0].credentials", {"secretName": "keys"}),
        "spec.venues[0].credentials",
        "this adapter signs nothing itself",
    ),
    _live(
        "a broker with keys",
        write("spec.venues[6].credentials", {"secretName": "keys"}),
        "spec.venues[6].credentials",
        "the gateway holds the login of Interactive Brokers): remove it",
    ),
    _live(
        "no environment",
        remove("spec.venues[0].environment"),
        "spec.venues[0].environment",
        "say which of the venue's systems is meant: write Live, Testnet or Demo",
    ),
    _live(
        "Kraken's spot in Demo",
        write("spec.venues[4].environment", "Demo"),
        "spec.venues[4].environment",
        "Kraken has Demo for Futures alone",
    ),
    _live(
        "instruments of another venue",
        write("spec.venues[1].instruments", ["BTCUSDT.BYBIT", "BTCUSDT.OKX", "ETHUSDT.XBYBIT"]),
        "spec.venues[1].instruments",
        '["BTCUSDT.OKX", "ETHUSDT.XBYBIT"]: ids of this venue\'s instruments end with \'.\' and its name',
    ),
    _live(
        "every instrument of a broker",
        remove("spec.venues[6].instruments"),
        "spec.venues[6].instruments",
        "Interactive Brokers has too many to load all",
    ),
    _live(
        "a URL with a password",
        write("spec.venues[0].endpoints.http", "https://me:secret@gateway.example.com"),
        "spec.venues[0].endpoints.http",
        "write a URL without user, password or query",
    ),
    _live(
        "a stream over HTTP",
        write("spec.venues[0].endpoints.dataStream", "https://gateway.example.com"),
        "spec.venues[0].endpoints.dataStream",
        "write a WebSocket URL",
    ),
    _live(
        "no endpoint at all",
        write("spec.venues[0].endpoints", {}),
        "spec.venues[0].endpoints",
        "write at least one of http, dataStream, tradeStream and userStream",
    ),
    _live(
        "leverage of a spot account",
        write("spec.venues[0].binance.accountType", "Spot"),
        "spec.venues[0].binance.leverages",
        "Spot does not lend: remove it, or write UsdtFutures or CoinFutures as accountType",
    ),
    _live(
        "spot among derivatives",
        _update(1, bybit={"productTypes": ["Linear", "Spot"]}),
        "spec.venues[1].bybit.productTypes",
        "write Spot alone, or remove it",
    ),
    _live(
        "options without a family",
        remove("spec.venues[2].okx.instrumentFamilies"),
        "spec.venues[2].okx.instrumentFamilies",
        "OKX lists options by family: add instrumentFamilies, such as BTC-USD",
    ),
    _live(
        "leverage of Kraken's cash",
        write("spec.venues[4].kraken.spotAccountType", "Cash"),
        "spec.venues[4].kraken.defaultLeverage",
        "only a spot account with margin lends",
    ),
    _live(
        "an address of 39 digits",
        write("spec.venues[5].hyperliquid.vaultAddress", "0x" + "1" * 39),
        "spec.venues[5].hyperliquid.vaultAddress",
        "at least 42 chars long",
        "at least 42 char",
    ),
    _live(
        "a host with a port",
        write("spec.venues[6].interactiveBrokers.host", "ib-gateway:4001"),
        "spec.venues[6].interactiveBrokers.host",
        "without a port",
    ),
)
