"""Ctrl-C and SIGTERM, once: the cleaning that follows the first must not be cut short by the second."""

import signal
from types import FrameType
from typing import NoReturn


def interrupt_once() -> None:
    """Let the first SIGINT or SIGTERM raise KeyboardInterrupt and ignore all that follow.

    Programs that are started afterwards, for the cleaning, inherit that they ignore them.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


def ignore_interrupts() -> None:
    """Ignore SIGINT and SIGTERM from now on: what follows is cleaning after a failure."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    ignore_interrupts()
    raise KeyboardInterrupt
