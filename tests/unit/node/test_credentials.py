"""Keys of venues: from files or variables, with errors that say what is missing and never what is there."""

from pathlib import Path

import pytest

from trading_api.exit_codes import ExitCode
from trading_node.credentials import read_directory, read_variables
from trading_node.errors import NodeError

NAMES = ("api-key", "api-secret", "passphrase")


def keep(folder: Path, *contents: str | bytes) -> Path:
    for name, content in zip(NAMES, contents, strict=False):
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(0o600)
    return folder


def test_keys_are_read_from_files_without_the_space_around_them(tmp_path: Path) -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"
    keys = read_directory("OKX", keep(tmp_path, "k-1\n", f"\ufeff{pem}\r\n", " p p "), NAMES)
    assert [keys[name] for name in NAMES] == ["k-1", pem, "p p"]
    assert keys.get("private-key") is None


def test_everything_that_is_missing_is_said_at_once(tmp_path: Path) -> None:
    keep(tmp_path, "", b"\xff\xfe")
    (tmp_path / "passphrase").mkdir()
    with pytest.raises(NodeError) as error:
        read_directory("OKX", tmp_path, (*NAMES, "private-key"))
    assert error.value.exit_code is ExitCode.CONFIG_REFUSED
    assert error.value.reason == "CredentialsMissing"
    for words in (
        f"{tmp_path}/api-key is empty",
        f"{tmp_path}/api-secret is not UTF-8",
        f"{tmp_path}/passphrase is no file",
        f"there is no file {tmp_path}/private-key",
        "Each key is a file in",
    ):
        assert words in str(error.value)


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match=r"there is no directory .*Make it, with the files api-key, api-secret"):
        read_directory("BYBIT", tmp_path / "nowhere", NAMES[:2])


def test_keys_that_everybody_may_read_are_refused_except_in_a_volume_of_kubernetes(tmp_path: Path) -> None:
    keep(tmp_path, "k", "s")
    (tmp_path / "api-secret").chmod(0o644)
    with pytest.raises(NodeError, match=r"everybody on this machine may read .*: run chmod 600 .*/api-secret"):
        read_directory("BYBIT", tmp_path, NAMES[:2])
    (tmp_path / "..data").mkdir()
    assert read_directory("BYBIT", tmp_path, NAMES[:2])["api-secret"] == "s"


@pytest.mark.parametrize("content", ["a\0b", "a\x1bb", "k" * 70_000])
def test_what_cannot_be_a_key_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(NodeError) as error:
        read_directory("BYBIT", keep(tmp_path, content), NAMES[:1])
    assert content not in str(error.value)


def test_keys_are_read_from_variables() -> None:
    variables = {"DESK_A_API_KEY": " k ", "DESK_A_API_SECRET": "s"}
    keys = read_variables("BYBIT", "DESK_A", NAMES[:2], variables)
    assert (keys["api-key"], keys["api-secret"]) == ("k", "s")
    with pytest.raises(NodeError, match="the environment variable DESK_A_PASSPHRASE is not set"):
        read_variables("OKX", "DESK_A", NAMES, variables)


def test_no_value_is_in_a_representation() -> None:
    keys = read_variables("BYBIT", "D", NAMES[:2], {"D_API_KEY": "key-value", "D_API_SECRET": "secret-value"})
    assert "value" not in f"{keys!r} {keys!s}"
    assert dict(keys.hidden()) == {"key-value": "<api-key>", "secret-value": "<api-secret>"}
