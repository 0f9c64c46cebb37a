"""Variables of the environment in the texts of a document: pure.

``${NAME}`` is replaced by the variable, ``${NAME:-default}`` by the default where the variable is unset or empty, and
``$${`` is a plain ``${``. What was put in is not looked at again. Keys are left alone. A default ends at the first
``}`` and so holds no ``{``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from trading_api.codec import MAX_DEPTH
from trading_api.errors import FieldError, json_path
from trading_node.redaction import SUSPECT_WORDS

type Place = tuple[int | str, ...]
"""Where in a document: keys and indices."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPENING = re.compile(r"\$\$\{|\$\{")
_SECRET_NAME = re.compile(rf"(?i){SUSPECT_WORDS}|_key|key_|^key$|_url$|^url$")
"""Names of variables that hold what not even a log is to show. The others name instruments, folders and the like."""


@dataclass(frozen=True)
class Text:
    """What became of a text with variables in it."""

    template: str
    """As the file has it."""
    text: str
    """With the variables put in."""
    values: tuple[tuple[str, str], ...]
    """Names and values of the variables that the environment gave, without defaults."""


@dataclass(frozen=True)
class Expanded:
    """A document with its variables put in."""

    document: object
    texts: Mapping[Place, Text] = field(default_factory=dict)
    """Every text that the environment changed."""
    errors: tuple[FieldError, ...] = ()
    """Every variable that is missing or misspelled; its text is in the document as the file has it."""

    @property
    def failed(self) -> frozenset[str]:
        """Paths of the texts that could not be expanded."""
        return frozenset(error.path for error in self.errors)

    @property
    def paths(self) -> dict[str, Text]:
        """Texts that the environment changed, by the path that errors name."""
        return {json_path(place): text for place, text in self.texts.items()}

    @property
    def values(self) -> tuple[tuple[str, str], ...]:
        """What the environment gave, each value with what may be shown in its place."""
        return tuple((value, f"${{{name}}}") for text in self.texts.values() for name, value in text.values)

    @property
    def secrets(self) -> tuple[tuple[str, str], ...]:
        """Those of the values whose variable has a secret's name."""
        return tuple(pair for pair in self.values if _SECRET_NAME.search(pair[1][2:-1]) is not None)


def expand(document: object, variables: Mapping[str, str]) -> Expanded:
    """Return a document with its variables put in."""
    texts: dict[Place, Text] = {}
    errors: list[FieldError] = []
    expanded = _expand(document, (), variables, texts, errors)
    return Expanded(expanded, texts, tuple(errors))


def _expand(
    value: object, place: Place, variables: Mapping[str, str], texts: dict[Place, Text], errors: list[FieldError]
) -> object:
    if isinstance(value, str) and "${" in value:
        try:
            text = expand_text(value, variables)
        except _VariableError as raised:
            errors += (FieldError(json_path(place), message) for message in raised.messages)
            return value
        if text.values:
            texts[place] = text
        return text.text
    if len(place) > MAX_DEPTH:
        return value  # refused by the validation
    if isinstance(value, dict):
        return {key: _expand(item, (*place, key), variables, texts, errors) for key, item in value.items()}
    if isinstance(value, list):
        return [_expand(item, (*place, index), variables, texts, errors) for index, item in enumerate(value)]
    return value


class _VariableError(ValueError):
    def __init__(self, messages: Sequence[str]) -> None:
        self.messages = messages
        super().__init__("; ".join(messages))


def expand_text(template: str, variables: Mapping[str, str]) -> Text:
    """Return one text with its variables put in. Raises ValueError with everything that is wrong in it."""
    parts: list[str] = []
    values: list[tuple[str, str]] = []
    errors: list[str] = []
    position = 0
    while (opening := _OPENING.search(template, position)) is not None:
        parts.append(template[position : opening.start()])
        if opening[0] == "$${":
            parts.append("${")
            position = opening.end()
            continue
        closing = template.find("}", opening.end())
        if closing < 0:
            errors.append(_misspelled(template[opening.start() :], "it has no closing }"))
            position = len(template)
            break
        reference, position = template[opening.end() : closing], closing + 1
        name, colon, default = reference.partition(":-")
        value = variables.get(name, "")
        if "{" in default:
            errors.append(
                _misspelled(template[opening.start() : position], "a default ends at the first } and holds no {")
            )
        elif _NAME.fullmatch(name) is None:
            errors.append(_misspelled(template[opening.start() : position], "that is no variable"))
        elif value or (not colon and name in variables):
            parts.append(value)
            values.append((name, value))
        elif colon:
            parts.append(default)
        else:
            errors.append(f"the environment variable {name} is not set: set it, or write ${{{name}:-default}}")
    if errors:
        raise _VariableError(errors)
    parts.append(template[position:])
    return Text(template, "".join(parts), tuple(values))


def _misspelled(part: str, why: str) -> str:
    shown = part if len(part) <= 40 else f"{part[:40]}..."
    return f"{shown!r}: {why}: write ${{NAME}} or ${{NAME:-default}}, or $${{ for a plain ${{"
