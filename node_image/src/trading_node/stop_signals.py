"""Keeps the stop signals of a node until it can hear them, from before anything else is imported.

A container's first process loses a SIGTERM that comes while nobody handles or blocks it: the kernel throws it away, and
the kubelet sends no other one before it kills. A node that is stopped while it is still being imported, which takes
seconds where the processor is short, would start to trade and be killed.
"""

import signal
import sys

SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})


def block_signals() -> None:
    """Keep the stop signals for the one thread that waits for them; to be called before any other thread starts."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


if sys.argv[1:2] == ["run"]:  # no other command has a thread that waits for them
    block_signals()
