"""What is refused of a deployment that trades live, and of how it stops and keeps its books."""

from typing import Any

from tests.api.bad import Bad
from tests.api.manifests import Change, live_manifest, remove, write


def _on_cash(number: int, **options: Any) -> Change:
    """Turn a replay into live data with a simulated Cash account."""

    def change(manifest: dict[str, Any]) -> None:
        venue = manifest["spec"]["venues"][number]
        del venue["replay"]
        venue |= {"environment": "Live", "paper": {"startingBalances": ["1000 USDT"]}, **options}

    return change


def _live(title: str, change: Change, path: str, says: str, models_say: str = "") -> Bad:
    return Bad(title, change, path, says, models_say, base=live_manifest)


def _becomes_live(manifest: dict[str, Any]) -> None:
    live = live_manifest()["spec"]
    manifest["spec"] |= {field: live[field] for field in ("mode", "image", "liveConfirmation")}
    for venue in manifest["spec"]["venues"]:
        del venue["paper"]


LIVE = (
    _live(
        "Live without its confirmation",
        remove("spec.liveConfirmation"),
        "spec.liveConfirmation",
        "mode Live trades with real money: to confirm that this is meant, write the name of this TradingDeployment",
    ),
    _live(
        "Live with another's confirmation",
        write("spec.liveConfirmation", "better"),
        "spec.liveConfirmation",
        "write the name of this TradingDeployment",
    ),
    Bad(
        "Paper with a confirmation",
        write("spec.liveConfirmation", "good"),
        "spec.liveConfirmation",
        "it confirms mode Live: remove it, or write Live as mode",
    ),
    _live(
        "Live with an image that may change",
        write("spec.image", "example/trading-node:1.0.0"),
        "spec.image",
        "mode Live runs what was tested and nothing else: add the image's digest",
    ),
    _live(
        "Live with half a digest",
        write("spec.image", "example/trading-node@sha256:0f0f"),
        "spec.image",
        "add the image's digest",
    ),
    _live(
        "Live without state",
        remove("spec.state"),
        "spec.state",
        "mode Live keeps books that outlive the pod: add state with size, such as 10Gi",
    ),
    Bad(
        "a live replay",
        _becomes_live,
        "spec.venues",
        '["BINANCE", "OKX"]: a replay takes no orders: mode Live needs another adapter',
    ),
    _live(
        "Live with a simulated account",
        write("spec.venues[0].paper", {"accountType": "Margin", "startingBalances": ["1 USDT"]}),
        "spec.venues",
        '["BINANCE_USDT"]: mode Live trades on the venue\'s own account: remove paper, or write Paper as mode',
    ),
    _live(
        "Live on nobody's account",
        remove("spec.venues[1].account"),
        "spec.venues",
        '["BYBIT"]: mode Live has to know whose orders these are: add account, such as desk-a-futures',
    ),
    _live(
        "Live without keys",
        remove("spec.venues[2].credentials"),
        "spec.venues",
        '["OKX"]: mode Live has to sign its orders: add credentials',
    ),
    _live(
        "two venues on one account",
        write("spec.venues[1].account", "desk-a-okx"),
        "spec.venues",
        '["BYBIT", "OKX"]: two clients on one account disturb each other: give every venue an account of its own',
    ),
    _live(
        "a broker without its account",
        remove("spec.venues[6].interactiveBrokers.accountId"),
        "spec.venues",
        '["INTERACTIVE_BROKERS"]: mode Live has to know the account at the broker: add accountId to interactiveBrokers',
    ),
    _live(
        "half of Deribit somewhere else",
        write("spec.venues[3].endpoints", {"http": "https://gateway.example.com"}),
        "spec.venues",
        '["DERIBIT"]: the adapter sends Deribit\'s orders to Deribit in any case: remove endpoints',
    ),
    Bad(
        "the account of a simulation",
        lambda m: (
            m["spec"]["venues"][0].update(
                adapter="Binance", environment="Live", binance={"accountType": "Spot"}, account="desk-a"
            )
            or m["spec"]["venues"][0].pop("replay")
        ),
        "spec.venues",
        '["BINANCE"]: mode Paper trades on the simulated account of paper: remove account',
    ),
    Bad(
        "leverage at a venue that gets no order",
        lambda m: (
            m["spec"]["venues"][0].update(
                adapter="Binance",
                environment="Live",
                binance={"accountType": "UsdtFutures", "receiveWindowMilliseconds": 3000},
            )
            or m["spec"]["venues"][0].pop("replay")
        ),
        "spec.venues",
        '["BINANCE"]: mode Paper sends no order to the venue: remove ',
    ),
    Bad(
        "coin futures on a simulated Cash account",
        _on_cash(0, adapter="Binance", binance={"accountType": "CoinFutures"}),
        "spec.venues[0].paper",
        "a Cash account holds no derivatives: write Margin as accountType",
    ),
    Bad(
        "swaps on a simulated Cash account",
        _on_cash(1, adapter="OKX", okx={"instrumentTypes": ["Swap"]}),
        "spec.venues[1].paper",
        "a Cash account holds no derivatives: write Margin as accountType",
    ),
    Bad("a Secret in capitals", write("spec.database.secretName", "Books"), "spec.database.secretName", "of a Secret"),
    Bad(
        "a cache that is nowhere",
        write("spec.cache", {}),
        "spec.cache.redis",
        "Required value",
        "is required",
    ),
    Bad("a size without a unit", write("spec.state.size", "1000"), "spec.state.size", "write a size in Mi, Gi or Ti"),
    Bad(
        "an empty class",
        write("spec.state.storageClassName", ""),
        "spec.state.storageClassName",
        "at least 1 chars long",
        "at least 1 char",
    ),
    Bad(
        "state that vanishes",
        write("spec.state.whenDeleted", "Recycle"),
        "spec.state.whenDeleted",
        '"Retain", "Delete"',
        "'Retain' or 'Delete'",
    ),
    Bad(
        "a drain in words",
        write("spec.drain.timeout", "soon"),
        "spec.drain.timeout",
        "write a whole number and s, m or h, such as 60s",
    ),
    Bad(
        "a drain that cannot end",
        write("spec.drain.timeout", "4s"),
        "spec.drain.timeout",
        "write a time from 5s to 30m",
    ),
    Bad("a drain for ever", write("spec.drain.timeout", "1h"), "spec.drain.timeout", "write a time from 5s to 30m"),
    Bad(
        "orders that outlive a flattening",
        write("spec.drain.orders", "Keep"),
        "spec.drain.orders",
        "orders that are kept would open positions again: write Cancel, or Keep as positions",
    ),
    Bad(
        "a reconciliation at every tick",
        write("spec.reconciliation.interval", "1s"),
        "spec.reconciliation.interval",
        "write a time from 10s to 1h",
    ),
    Bad(
        "a reconciliation once a day",
        write("spec.reconciliation.interval", "24h"),
        "spec.reconciliation.interval",
        "write a time from 10s to 1h",
    ),
)
