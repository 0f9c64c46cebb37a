"""The last words of a node, where the kubelet picks them up."""

import contextlib
from pathlib import Path

from trading_api.status import TerminationMessage
from trading_node.errors import NodeError

MAX_BYTES = 2048
"""What the operator reads; the kubelet itself would take 4096."""
MAX_CHARACTERS = 1024


def termination_message(error: NodeError) -> str:
    """Return the JSON of an error's last words, at most MAX_BYTES of UTF-8; texts are shortened to fit."""
    limit = MAX_CHARACTERS
    while True:
        message = TerminationMessage(
            reason=error.reason,
            message=shorten(error.message, limit),
            remedy=shorten(error.remedy, limit),
        )
        text = message.model_dump_json(by_alias=True)
        if len(text.encode()) <= MAX_BYTES:
            return text
        limit = limit * 3 // 4


def write_termination_message(error: NodeError, path: str) -> None:
    """Write the last words to a path; an empty path or one that cannot be written is passed over.

    Nothing may go wrong here: the process is about to end with its true reason.
    """
    if path:
        with contextlib.suppress(OSError):
            Path(path).write_text(termination_message(error), encoding="utf-8")


def shorten(text: str, limit: int) -> str:
    """Return a text in one line of at most limit characters, with an ellipsis where it was cut."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 3]}..."
