"""What is refused: each row is the good manifest with one thing wrong, the field that is named, and what is said.

Two suites read the table: the models refuse every row (tests/unit/api), and so does a real API server (tests/api).
"""

from typing import Any

from tests.api.bad import Bad
from tests.api.bad_live import LIVE
from tests.api.bad_pods_and_limits import POD_TEMPLATE, RISK
from tests.api.bad_venues import REAL_VENUES
from tests.api.manifests import Change, remove, write


def _append(path: str, **fields: Any) -> Change:
    """Repeat the first item of a list, with other fields."""

    def change(manifest: dict[str, Any]) -> None:
        items = manifest["spec"][path]
        items.append(items[0] | fields)

    return change


SPEC = (
    Bad("no mode", remove("spec.mode"), "spec.mode", "Required value", "is required"),
    Bad(
        "a mode that is none",
        write("spec.mode", "Real"),
        "spec.mode",
        'supported values: "Live", "Paper"',
        "write 'Live' or 'Paper'",
    ),
    Bad("no image", remove("spec.image"), "spec.image", "Required value", "is required"),
    Bad("an empty image", write("spec.image", ""), "spec.image", "should be at least 1 chars long", "at least 1 char"),
    Bad("an image with a scheme", write("spec.image", "docker pull x"), "spec.image", "write an image reference"),
    Bad("an image that is a number", write("spec.image", 7), "spec.image", "must be of type string", "write a text"),
    Bad("an endless image", write("spec.image", "i" * 513), "spec.image", "may not be more than 512", "at most 512"),
    Bad(
        "suspend in words",
        write("spec.suspend", "yes"),
        "spec.suspend",
        "must be of type boolean",
        "write true or false",
    ),
    Bad("no traderId", remove("spec.traderId"), "spec.traderId", "Required value", "is required"),
    Bad("a traderId without a tag", write("spec.traderId", "DESK"), "spec.traderId", "such as DESK-A-001"),
    Bad(
        "a traderId with a space",
        write("spec.traderId", "DESK A-1"),
        "spec.traderId",
        "write a name and a tag joined by",
    ),
    Bad("a traderId that ends in -", write("spec.traderId", "DESK-"), "spec.traderId", "such as DESK-A-001"),
    Bad("a traderId with a line end", write("spec.traderId", "DESK-1\n"), "spec.traderId", "such as DESK-A-001"),
    Bad(
        "a rollout that is none",
        write("spec.rollout.when", "Later"),
        "spec.rollout.when",
        '"OnApproval"',
        "'OnApproval'",
    ),
    Bad("strategies that are no list", write("spec.strategies", {}), "spec.strategies", "type array", "write a list"),
)
NAME = (
    Bad("a name of 48 characters", write("metadata.name", "n" * 48), "metadata.name", "write at most 47"),
    Bad("a name that starts with a digit", write("metadata.name", "1st"), "metadata.name", "with a letter first"),
    Bad("a name with a dot", write("metadata.name", "a.b"), "metadata.name", "such as ema-btc"),
)
STRATEGIES = (
    Bad("no strategies", write("spec.strategies", []), "spec.strategies", "at least 1 item", "at least 1 item"),
    Bad(
        "17 strategies",
        lambda m: m["spec"].update(strategies=[_numbered(m, n) for n in range(17)]),
        "spec.strategies",
        "must have at most 16 items",
        "at most 16 items",
    ),
    Bad(
        "a strategy name in capitals",
        write("spec.strategies[0].name", "EMA"),
        "spec.strategies[0].name",
        "write lower-case letters, digits and '-'",
    ),
    Bad(
        "a path without a class",
        write("spec.strategies[0].path", "desk.ema"),
        "spec.strategies[0].path",
        "write module:Class, such as desk.ema:EmaCross",
    ),
    Bad(
        "a path with a dot for the colon",
        write("spec.strategies[1].path", "desk.ema.EmaCross"),
        "spec.strategies[1].path",
        "write module:Class",
    ),
    Bad(
        "a config path with a dash",
        write("spec.strategies[0].configPath", "desk-a:Config"),
        "spec.strategies[0].configPath",
        "write module:Class",
    ),
    Bad(
        "no config path",
        remove("spec.strategies[0].configPath"),
        "spec.strategies[0].configPath",
        "Required value",
        "is required",
    ),
    Bad(
        "a config that is a list",
        write("spec.strategies[0].config", ["fast", 10]),
        "spec.strategies[0].config",
        "must be of type object",
        "write an object",
    ),
    Bad(
        "a tag in small letters",
        write("spec.strategies[0].orderIdTag", "ema1"),
        "spec.strategies[0].orderIdTag",
        "write 1 to 8 capital letters or digits, such as EMA1",
    ),
    Bad(
        "two strategies of one name",
        write("spec.strategies[1].name", "ema-btc"),
        "spec.strategies",
        '["ema-btc", "ema-btc"]: give every strategy a name of its own',
    ),
    Bad(
        "two strategies of one tag",
        write("spec.strategies[1].orderIdTag", "EMA1"),
        "spec.strategies",
        '["ema-btc", "ema-eth"]: their orders could not be told apart: give every strategy an orderIdTag of its own',
    ),
)
VENUES = (
    Bad("no venues", write("spec.venues", []), "spec.venues", "at least 1 item", "at least 1 item"),
    Bad(
        "a venue in small letters",
        write("spec.venues[0].name", "binance"),
        "spec.venues[0].name",
        "in capital letters, digits and '_', such as BINANCE",
    ),
    Bad(
        "two venues of one name",
        write("spec.venues[1].name", "BINANCE"),
        "spec.venues",
        "give every venue a name of its own",
    ),
    Bad(
        "an adapter that is none",
        write("spec.venues[0].adapter", "Sandbox"),
        "spec.venues[0].adapter",
        'supported values: "Binance"',
        "write 'Binance'",
    ),
    Bad(
        "Replay without replay",
        remove("spec.venues[0].replay"),
        "spec.venues[0].replay",
        "the adapter Replay streams a catalog: add replay with catalog",
    ),
    Bad(
        "Paper without an account",
        remove("spec.venues[1].paper"),
        "spec.venues",
        '["OKX"]: mode Paper trades on simulated accounts: add paper with startingBalances, such as 100000 USDT',
    ),
    Bad(
        "a replay of no catalog",
        remove("spec.venues[0].replay.catalog"),
        "spec.venues[0].replay.catalog",
        "Required value",
        "is required",
    ),
    Bad(
        "a replay of an unknown catalog",
        write("spec.venues[0].replay.catalog", "tocks"),
        "spec.venues",
        '["BINANCE"]: catalog of replay names none of catalogs: add the catalog there, or write the name of one',
    ),
    Bad(
        "a speed of zero",
        write("spec.venues[0].replay.speed", 0),
        "spec.venues[0].replay.speed",
        "write a whole number from 1 to 1000000, or Maximum",
    ),
    Bad(
        "a speed in other words",
        write("spec.venues[0].replay.speed", "Fast"),
        "spec.venues[0].replay.speed",
        "write a whole number from 1 to 1000000, or Maximum",
    ),
    Bad(
        "a speed in quotes",
        write("spec.venues[0].replay.speed", "10"),
        "spec.venues[0].replay.speed",
        "write a whole number from 1 to 1000000, or Maximum",
    ),
    Bad(
        "half a speed",
        write("spec.venues[0].replay.speed", 1.5),
        "spec.venues[0].replay.speed",
        "integer,string",
        "write a whole number from 1 to 1000000, or Maximum",
    ),
    Bad(
        "an account type that is none",
        write("spec.venues[0].paper.accountType", "Betting"),
        "spec.venues[0].paper.accountType",
        '"Cash", "Margin"',
        "write 'Cash' or 'Margin'",
    ),
    Bad(
        "an order management that is none",
        write("spec.venues[0].paper.omsType", "netting"),
        "spec.venues[0].paper.omsType",
        '"Netting", "Hedging"',
        "write 'Netting' or 'Hedging'",
    ),
    Bad(
        "a balance without a space",
        write("spec.venues[0].paper.startingBalances[0]", "100USDT"),
        "spec.venues[0].paper.startingBalances[0]",
        "write an amount, one space and a currency, such as 100000 USDT",
    ),
    Bad(
        "a negative balance",
        write("spec.venues[0].paper.startingBalances[0]", "-5 USDT"),
        "spec.venues[0].paper.startingBalances[0]",
        "write an amount, one space and a currency",
    ),
    Bad(
        "no balances",
        write("spec.venues[0].paper.startingBalances", []),
        "spec.venues[0].paper.startingBalances",
        "at least 1 item",
        "at least 1 item",
    ),
    Bad(
        "a currency twice",
        write("spec.venues[0].paper.startingBalances", ["1 USDT", "2 USDT", "3 BTC"]),
        "spec.venues[0].paper.startingBalances",
        '["1 USDT", "2 USDT"]: write one balance for each currency',
    ),
    Bad(
        "leverage of a cash account",
        write("spec.venues[0].paper.accountType", "Cash"),
        "spec.venues[0].paper.defaultLeverage",
        "a Cash account does not lend: write 1 or remove it, or write Margin as accountType",
    ),
    Bad(
        "too much leverage",
        write("spec.venues[0].paper.defaultLeverage", 1001),
        "spec.venues[0].paper.defaultLeverage",
        "should be less than or equal to 1000",
        "write a number of at most 1000",
    ),
    Bad(
        "leverage in quotes",
        write("spec.venues[0].paper.defaultLeverage", "5"),
        "spec.venues[0].paper.defaultLeverage",
        "must be of type integer",
        "write a whole number",
    ),
)
CATALOGS = (
    Bad(
        "two sources",
        write("spec.catalogs[0].pvc", {"claimName": "ticks"}),
        "spec.catalogs[0]",
        "a catalog has one source: write either gcs with bucket, or pvc with claimName",
    ),
    Bad("no source", remove("spec.catalogs[1].pvc"), "spec.catalogs[1]", "a catalog has one source"),
    Bad(
        "two catalogs of one name",
        _append("catalogs"),
        "spec.catalogs",
        '["ticks", "ticks"]: give every catalog a name of its own',
    ),
    Bad(
        "a bucket with its scheme",
        write("spec.catalogs[0].gcs.bucket", "gs://ticks"),
        "spec.catalogs[0].gcs.bucket",
        "write the bucket's bare name, without gs:// and folders",
    ),
    Bad(
        "a bucket of two letters",
        write("spec.catalogs[0].gcs.bucket", "ab"),
        "spec.catalogs[0].gcs.bucket",
        "should be at least 3 chars long",
        "write at least 3 character",
    ),
    Bad(
        "a prefix that starts with /",
        write("spec.catalogs[0].gcs.prefix", "/data"),
        "spec.catalogs[0].gcs.prefix",
        "write folders joined by '/', without a '/' at either end",
    ),
    Bad(
        "a driver that is none",
        write("spec.catalogs[0].gcs.driver", "Fuse"),
        "spec.catalogs[0].gcs.driver",
        '"Auto", "GKE", "Sidecar"',
        "write 'Auto', 'GKE' or 'Sidecar'",
    ),
    Bad(
        "a claim in capitals",
        write("spec.catalogs[1].pvc.claimName", "Bars"),
        "spec.catalogs[1].pvc.claimName",
        "write the name of a PersistentVolumeClaim",
    ),
    Bad(
        "a folder out of the volume",
        write("spec.catalogs[1].pvc.subPath", "../other"),
        "spec.catalogs[1].pvc.subPath",
        "write folders joined by '/'",
    ),
)
UNKNOWN_FIELDS = (
    Bad("an unknown field", write("spec.strategy", {}), "spec.strategy", "unknown field", "did you mean strategies?"),
    Bad("a field in snake case", write("spec.trader_id", "A-1"), "spec.trader_id", "unknown field", "mean traderId?"),
    Bad(
        "a field of a later version",
        write("spec.venues[0].proxy", "http://proxy"),
        "spec.venues[0].proxy",
        "unknown field",
        "write one of name, adapter, environment, account",
    ),
)
"""The API server names these in one message, under strict validation, rather than field by field."""

BAD = (*SPEC, *NAME, *STRATEGIES, *VENUES, *CATALOGS, *RISK, *POD_TEMPLATE, *LIVE, *REAL_VENUES)


def _numbered(manifest: dict[str, Any], number: int) -> dict[str, Any]:
    first: dict[str, Any] = manifest["spec"]["strategies"][0]
    return first | {"name": f"s-{number}", "orderIdTag": f"S{number}"}
