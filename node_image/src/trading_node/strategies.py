"""Strategies by import path, with errors that name the strategy, the field and what to do."""

import importlib
import json
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import msgspec
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

from trading_api import deployment as api
from trading_api.order_ids import resolve_order_id_tag
from trading_node.errors import NodeError, strategy_refused

LEAVING = (SystemExit, KeyboardInterrupt)
"""What means to end the process, and must not end a node in the middle of its orders: sys.exit() and the like."""
RESERVED = {
    "strategy_id": "Remove the field: the strategy's id is its class and its order id tag",
    "order_id_tag": "Set order_id_tag beside config, not inside it",
}


def load_strategies(strategies: Sequence[api.Strategy], *, plain_order_ids: bool = False) -> list[Strategy]:
    """Import and construct strategies. Raises NodeError (STRATEGY_REFUSED) for the first that cannot be."""
    return [load_strategy(strategy, plain_order_ids=plain_order_ids) for strategy in strategies]


def load_strategy(strategy: api.Strategy, *, plain_order_ids: bool = False) -> Strategy:
    """Import and construct one strategy with its order id tag.

    plain_order_ids: have client order ids of letters and digits alone, unless the strategy's config says otherwise.
    """
    who = f"The strategy {strategy.name}"
    strategy_class = _import(who, strategy.path, Strategy)
    config_class = _import(who, strategy.config_path, StrategyConfig)
    for field, remedy in RESERVED.items():
        if field in strategy.config:
            raise strategy_refused(f"{who} sets {field} in its config", remedy)
    document = {**strategy.config, "order_id_tag": resolve_order_id_tag(strategy)}
    if plain_order_ids:
        document.setdefault("use_hyphens_in_client_order_ids", False)
    try:
        config = config_class.parse(json.dumps(document))
    except (msgspec.MsgspecError, ValueError, TypeError, RuntimeError, KeyError) as error:
        raise strategy_refused(
            f"{who} has a config that {strategy.config_path} refuses: {error}", _fields_remedy(config_class, document)
        ) from error
    except BaseException as error:
        raise _raised(f"{who}: reading its config with {strategy.config_path}", error) from error
    try:
        built: Strategy = strategy_class(config)
    except BaseException as error:
        raise _raised(f"{who}: constructing {strategy.path}", error) from error
    # Without the name that its config gives it, no limit and no book would know its orders.
    if built.id is None or built.order_id_tag != document["order_id_tag"]:
        raise strategy_refused(
            f"{who}: {strategy.path} does not hand its config on", "Write super().__init__(config) in its __init__"
        )
    return built


def origin(error: BaseException) -> str:
    """Say in one line what was raised and where, by the innermost frame."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return text
    last = frames[-1]
    return f"{text} ({last.filename}:{last.lineno} in {last.name})"


def _import(who: str, path: str, base: type) -> Any:  # noqa: ANN401  # whatever the path leads to
    module_name, _, name = path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise strategy_refused(
                f"{who} cannot be imported: there is no module {error.name}",
                f"Put it into the image or correct the path {path}",
            ) from error
        raise strategy_refused(
            f"{who} cannot be imported: its module {module_name} needs {error.name}, which is not installed",
            f"Install {error.name} in the image",
        ) from error
    except BaseException as error:
        raise _raised(f"{who}: importing {module_name}", error) from error
    found = getattr(module, name, None)
    if found is None:
        close = get_close_matches(name, dir(module), n=1)
        hint = f"Did you mean {module_name}:{close[0]}?" if close else f"Correct the path {path}"
        raise strategy_refused(f"{who} cannot be imported: {module_name} has no {name}", hint)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise strategy_refused(
            f"{who}: {path} is no subclass of {base.__name__}", f"Write the path of a {base.__name__}"
        )
    return found


def _raised(doing: str, error: BaseException) -> NodeError:
    return strategy_refused(f"{doing} raised {origin(error)}", "Correct the strategy or its config")


def _fields_remedy(config_class: type[StrategyConfig], document: dict[str, Any]) -> str:
    own = [f for f in config_class.__struct_fields__ if f not in StrategyConfig.__struct_fields__]
    for field in document:
        if field not in config_class.__struct_fields__:
            close = get_close_matches(field, own, n=1)
            return f"Did you mean {close[0]} instead of {field}?" if close else f"Its fields are {', '.join(own)}"
    return f"Its fields are {', '.join(own)}"
