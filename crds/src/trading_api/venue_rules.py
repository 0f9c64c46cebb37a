"""What holds between the fields of one venue."""

from collections.abc import Sequence
from typing import Any

from pydantic.alias_generators import to_camel

from trading_api.adapter_options import KrakenProductType
from trading_api.adapters import CREDENTIAL_KEYS, ENDPOINTS, ENVIRONMENTS, FIXED_VENUES, OPTIONS, Adapter, Environment
from trading_api.rules import AnyRule, Rule, RuleOfEach


def _twice(items: Sequence[str]) -> list[str]:
    return [item for item in items if items.count(item) > 1]


def _has(field: str) -> str:
    return f"has(self.{to_camel(field)})"


_NEEDS = {
    Adapter.BINANCE: "write {binance} with {account_type}: Spot, UsdtFutures or CoinFutures",
    Adapter.BYBIT: "write {bybit} with {product_types}: Spot, or some of Linear, Inverse, Option",
    Adapter.OKX: "write {okx} with {instrument_types}: some of Spot, Margin, Swap, Futures, Option",
    Adapter.DERIBIT: "write {deribit} with {product_types}: some of Future, Option, Spot, FutureCombo, OptionCombo",
    Adapter.KRAKEN: "write {kraken} with {product_type}: Spot or Futures",
    Adapter.HYPERLIQUID: "write {hyperliquid} with {product_types}: some of Perp, PerpHip3, Spot, Outcome",
    Adapter.INTERACTIVE_BROKERS: "write {interactive_brokers} with {host}, where the gateway listens",
    Adapter.REPLAY: "the adapter Replay streams a catalog: add {replay} with {catalog}, the name of one of {catalogs}",
}


def _required_with(adapter: Adapter, field: str) -> Rule:
    return Rule(
        at=field,
        required=True,
        cel=f"self.adapter != '{adapter}' || {_has(field)}",
        holds=lambda venue: venue.adapter is not adapter or getattr(venue, field) is not None,
        says=_NEEDS[adapter],
    )


def _only_with(adapter: Adapter, field: str) -> Rule:
    return Rule(
        at=field,
        cel=f"self.adapter == '{adapter}' || !{_has(field)}",
        holds=lambda venue: venue.adapter is adapter or getattr(venue, field) is None,
        says=f"these are options of another adapter: remove it, or write {adapter} as {{adapter}}",
    )


def _never_with_replay(field: str) -> Rule:
    return Rule(
        at=field,
        cel=f"self.adapter != 'Replay' || !{_has(field)}",
        holds=lambda venue: venue.adapter is not Adapter.REPLAY or getattr(venue, field) is None,
        says="a replay connects to no venue: remove it, or write another {adapter}",
    )


def _has_environment(adapter: Adapter, known: tuple[Environment, ...]) -> Rule:
    return Rule(
        at="environment",
        cel=f"self.adapter != '{adapter}' || !has(self.environment)"
        f" || self.environment in [{', '.join(f"'{environment}'" for environment in known)}]",
        holds=lambda venue: venue.adapter is not adapter or venue.environment in {None, *known},
        says=f"{adapter} has no such system: write {' or '.join(known)}",
    )


def _has_name(adapter: Adapter, name: str) -> Rule:
    return Rule(
        at="name",
        cel=f"self.adapter != '{adapter}' || self.name == '{name}'",
        holds=lambda venue: venue.adapter is not adapter or venue.name == name,
        says=f"instrument ids of this adapter end with {name}: write {name}",
    )


def _has_endpoints(adapter: Adapter, known: tuple[str, ...], unknown: list[str]) -> Rule:
    some = " || ".join(f"has(self.endpoints.{to_camel(field)})" for field in unknown)
    can = f"only {', '.join(f'{{{field}}}' for field in known)}" if known else "none"
    return Rule(
        at="endpoints",
        cel=f"self.adapter != '{adapter}' || !has(self.endpoints) || !({some})",
        holds=lambda venue: (
            venue.adapter is not adapter
            or venue.endpoints is None
            or all(getattr(venue.endpoints, field) is None for field in unknown)
        ),
        says=f"of its endpoints the adapter {adapter} can change {can}: remove the others",
    )


def _endpoint_rules() -> list[Rule]:
    unknown = {
        adapter: [f for f in ENDPOINTS[Adapter.BINANCE] if f not in known] for adapter, known in ENDPOINTS.items()
    }
    return [
        _has_endpoints(adapter, ENDPOINTS[adapter], fields)
        for adapter, fields in unknown.items()
        if fields and adapter is not Adapter.REPLAY
    ]


def _environment_rules() -> list[Rule]:
    return [
        Rule(
            at="environment",
            required=True,
            cel="self.adapter == 'Replay' || has(self.environment)",
            holds=lambda venue: venue.adapter is Adapter.REPLAY or venue.environment is not None,
            says="say which of the venue's systems is meant: write Live, Testnet or Demo",
        ),
        *(_has_environment(a, known) for a, known in ENVIRONMENTS.items() if len(known) < len(Environment)),
        Rule(
            at="environment",
            cel="!has(self.kraken) || !has(self.environment) || self.environment != 'Demo'"
            " || self.kraken.productType == 'Futures'",
            holds=lambda venue: (
                venue.kraken is None
                or venue.environment is not Environment.DEMO
                or venue.kraken.product_type is KrakenProductType.FUTURES
            ),
            says="Kraken has Demo for Futures alone: write Live, or Futures as {product_type}",
        ),
    ]


def _instruments_elsewhere(venue: Any) -> list[str]:  # noqa: ANN401  # a Venue, defined below
    if venue.adapter is Adapter.INTERACTIVE_BROKERS:
        return []
    return [i for i in venue.instruments or () if not i.endswith(f".{venue.name}")]


def _instruments_rules() -> list[AnyRule]:
    return [
        RuleOfEach(
            at="instruments",
            cel="has(self.instruments) && self.adapter != 'InteractiveBrokers'"
            " ? self.instruments.filter(i, !i.endsWith('.' + self.name)) : []",
            offenders=_instruments_elsewhere,
            says="ids of this venue's instruments end with '.' and its {name}: correct them",
        ),
        RuleOfEach(
            at="instruments",
            cel=None,  # the API server keeps the list as a set
            offenders=lambda venue: _twice(venue.instruments or ()),
            says="write each instrument once",
        ),
        Rule(
            at="instruments",
            required=True,
            cel="self.adapter != 'InteractiveBrokers' || has(self.instruments)",
            holds=lambda venue: venue.adapter is not Adapter.INTERACTIVE_BROKERS or venue.instruments is not None,
            says="Interactive Brokers has too many to load all: write the ids of those to trade, such as SPY.ARCA",
        ),
    ]


_SPOT = "Spot"
_CHOICE_OF_ONE = {Adapter.BINANCE: "account_type", Adapter.KRAKEN: "product_type"}
_CHOICE_OF_SOME = {
    Adapter.BYBIT: "product_types",
    Adapter.OKX: "instrument_types",
    Adapter.DERIBIT: "product_types",
    Adapter.HYPERLIQUID: "product_types",
}
"""Where the options of an adapter say what is traded."""


def _trades_spot(options: Any, field: str) -> bool:  # noqa: ANN401  # options of any adapter
    chosen = getattr(options, field)
    return _SPOT in ((chosen,) if isinstance(chosen, str) else chosen)


def _margin_for_derivatives(adapter: Adapter, field: str) -> Rule:
    options = OPTIONS[adapter]
    chosen = f"self.{to_camel(options)}.{to_camel(field)}"
    spot = f"{chosen} == '{_SPOT}'" if adapter in _CHOICE_OF_ONE else f"'{_SPOT}' in {chosen}"
    return Rule(
        at="paper",
        cel=f"!{_has(options)} || !has(self.paper) || self.paper.accountType == 'Margin' || {spot}",
        holds=lambda venue: (
            getattr(venue, options) is None
            or venue.paper is None
            or venue.paper.account_type == "Margin"
            or _trades_spot(getattr(venue, options), field)
        ),
        says="a Cash account holds no derivatives: write Margin as {account_type}",
    )


VENUE_RULES: tuple[AnyRule, ...] = (
    *(_required_with(adapter, field) for adapter, field in OPTIONS.items()),
    *(_only_with(adapter, field) for adapter, field in OPTIONS.items()),
    *(_never_with_replay(field) for field in ("environment", "account", "instruments", "endpoints")),
    *_environment_rules(),
    *(_has_name(adapter, name) for adapter, name in FIXED_VENUES.items()),
    *_endpoint_rules(),
    *_instruments_rules(),
    *(_margin_for_derivatives(adapter, field) for adapter, field in (_CHOICE_OF_ONE | _CHOICE_OF_SOME).items()),
)
"""What holds for a venue wherever its keys are."""

_WITHOUT_KEYS = ", ".join(f"'{adapter}'" for adapter, keys in CREDENTIAL_KEYS.items() if not keys)

CREDENTIALS_RULE = Rule(
    at="credentials",
    cel=f"!(self.adapter in [{_WITHOUT_KEYS}]) || !has(self.credentials)",
    holds=lambda venue: bool(CREDENTIAL_KEYS[venue.adapter]) or venue.credentials is None,
    says="this adapter signs nothing itself (Replay has no venue; the gateway holds the login of Interactive"
    " Brokers): remove it",
)
