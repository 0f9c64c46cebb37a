"""Keys of a venue: from a directory of files or from variables of the environment, and from nowhere else.

A value is in no ``repr``, no message and no log line; errors name what is missing and where it was looked for.
"""

import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from trading_api.adapters import CREDENTIAL_KEYS
from trading_api.venues import NodeVenue
from trading_node.errors import NodeError, config_refused

MAX_BYTES = 64 * 1024
OPEN_TO_ALL = stat.S_IROTH | stat.S_IWOTH
VOLUME_DATA = "..data"
"""What a Kubernetes volume keeps its files behind; who may read them is the pod's matter there."""


@dataclass(frozen=True)
class Credentials:
    """The keys of one venue by name, such as ``api-key``."""

    _values: Mapping[str, str]
    origin: str
    """Where they are from, for a person."""

    def __repr__(self) -> str:
        """Name the keys, not what they are."""
        return f"Credentials({', '.join(self._values)}, from {self.origin})"

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def get(self, name: str) -> str | None:
        """Return a key if there is one."""
        return self._values.get(name)

    def hidden(self) -> Iterator[tuple[str, str]]:
        """Yield each value with what may be shown in its place."""
        for name, value in self._values.items():
            yield value, f"<{name}>"


NO_CREDENTIALS = Credentials({}, "nowhere")


def read_credentials(venue: NodeVenue, folder: Path, variables: Mapping[str, str]) -> Credentials:
    """Return the keys of a venue; none where it names no source. A relative directory counts from folder.

    Raises NodeError (CONFIG_REFUSED) with everything that is missing.
    """
    source, names = venue.credentials, CREDENTIAL_KEYS[venue.adapter]
    if source is None:
        return NO_CREDENTIALS
    if source.directory is not None:
        return read_directory(venue.name, folder / source.directory, names)
    return read_variables(venue.name, source.env_prefix or "", names, variables)


def read_directory(venue: str, directory: Path, names: Sequence[str]) -> Credentials:
    """Return the keys that files of a directory hold, one file for each.

    Raises NodeError (CONFIG_REFUSED) with everything that is wrong.
    """
    origin = f"files in {directory}"
    if not directory.is_dir():
        _refuse(
            venue,
            [f"there is no directory {directory}"],
            f"Make it, with the files {', '.join(names)}, or correct credentials.directory",
        )
    values, faults = {}, []
    for name in names:
        try:
            values[name] = _read_file(directory / name)
        except NodeError as error:
            faults.append(error.message)
    if faults:
        _refuse(venue, faults, f"Each key is a file in {directory}: {', '.join(names)}")
    return Credentials(values, origin)


def read_variables(venue: str, prefix: str, names: Sequence[str], variables: Mapping[str, str]) -> Credentials:
    """Return the keys that variables of the environment hold, such as PREFIX_API_KEY for ``api-key``.

    Raises NodeError (CONFIG_REFUSED) with everything that is missing.
    """
    spelled = {name: variable_name(prefix, name) for name in names}
    values = {name: variables.get(variable, "").strip() for name, variable in spelled.items()}
    missing = [spelled[name] for name, value in values.items() if not value]
    if missing:
        _refuse(
            venue,
            [f"the environment variable {name} is not set" for name in missing],
            "Set it, or correct credentials.env_prefix",
        )
    return Credentials(values, f"variables {prefix}_...")


def variable_name(prefix: str, name: str) -> str:
    """Return the name of the variable that holds a key."""
    return f"{prefix.rstrip('_')}_{name.upper().replace('-', '_')}"


def _read_file(path: Path) -> str:
    """Return the text of a key's file without space around it."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise config_refused(f"{path} is no file")
        if mode & OPEN_TO_ALL and not (path.parent / VOLUME_DATA).exists():
            raise config_refused(f"everybody on this machine may read {path}: run chmod 600 {path}")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise config_refused(f"there is no file {path}") from None
    except OSError as error:
        raise config_refused(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise config_refused(f"{path} is larger than a key can be")
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise config_refused(f"{path} is not UTF-8") from None
    if not text:
        raise config_refused(f"{path} is empty")
    if any(not character.isprintable() for line in text.splitlines() for character in line):
        raise config_refused(f"{path} holds characters that no key has")
    return text


def _refuse(venue: str, faults: Sequence[str], remedy: str) -> NoReturn:
    raise config_refused(
        f"The venue {venue} lacks its credentials: {'; '.join(faults)}", remedy, reason="CredentialsMissing"
    )
