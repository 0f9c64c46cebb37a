"""From a file to a run-config, with every fault of the file in one error."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trading_api.codec import load_json, node_config_of
from trading_api.errors import FieldError, InvalidDocument
from trading_api.node_config import NodeConfig
from trading_node.errors import config_refused
from trading_node.redaction import IN_ERRORS, Redactor, hide
from trading_node.run_config.variables import Expanded, expand

REMEDY = "Correct it and start again"


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """A valid run-config, and where it came from."""

    config: NodeConfig
    folder: Path
    """Where its relative paths count from."""
    expanded: Expanded
    """What the variables of the environment made of the file."""


def load_run_config(path: Path, variables: Mapping[str, str]) -> RunConfig:
    """Return the run-config of a file with variables of the environment put in.

    Raises NodeError (CONFIG_REFUSED) with every fault that it has, and with no value of a variable.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise config_refused(
            f"The run-config {path} cannot be read: {error.strerror}", "Write its path after --config"
        ) from error
    try:
        config, expanded = parse_run_config(text, variables)
    except InvalidDocument as error:
        raise config_refused(f"The run-config {path} is refused: {error}", REMEDY) from None
    return RunConfig(config=config, folder=path.resolve().parent, expanded=expanded)


def hear_nothing_of(loaded: RunConfig) -> None:
    """Keep what variables put into a run-config out of errors, and the secrets among it out of everything."""
    IN_ERRORS.add(loaded.expanded.values)
    hide(loaded.expanded.secrets)


def parse_run_config(text: str | bytes, variables: Mapping[str, str]) -> tuple[NodeConfig, Expanded]:
    """Return the run-config of a text. Raises InvalidDocument with every fault, and with no value of a variable."""
    try:
        document = load_json(text)
    except InvalidDocument as error:
        raise InvalidDocument([_printable(fault) for fault in error.errors]) from None
    expanded = expand(document, variables)
    config, faults = _validate(expanded)
    if config is None or expanded.errors:
        # Not "from": the cause would hold the values.
        raise InvalidDocument([_printable(fault) for fault in (*expanded.errors, *faults)]) from None
    return config, expanded


def _validate(expanded: Expanded) -> tuple[NodeConfig | None, list[FieldError]]:
    try:
        return node_config_of(expanded.document), []
    except InvalidDocument as error:
        redactor, texts = Redactor(expanded.values), expanded.paths
        faults = []
        for path, message in error.errors:
            if path in expanded.failed:
                continue  # its text is not what it will be
            template = texts[path].template if path in texts else ""
            hint = f" ({template} puts a text in, never a number or true)" if template else ""
            faults.append(FieldError(path, f"{redactor.redact(message)}{hint}"))
        return None, faults


def _printable(fault: FieldError) -> FieldError:
    """Return a fault without what UTF-8 cannot say: JSON can hold half of a character."""
    return FieldError(*(text.encode("utf-8", "backslashreplace").decode() for text in fault))
