"""Waiting for something to become true, with a deadline and a reason when it does not."""

import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from tests.cluster.errors import ClusterError


def until(check: Callable[[], bool], what: str, *, seconds: float, every: float = 0.05) -> None:
    """Return as soon as `check` is true; raise, naming `what`, when it stays false. `check` may raise to end early."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() >= deadline:
            raise ClusterError(f"{what}: not so after {seconds:.0f} s")
        time.sleep(every)


def answers(url: str, context: ssl.SSLContext | None = None) -> bool:
    """Whether an HTTP GET is answered with 200."""
    try:
        with _opener(context).open(url, timeout=2) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _opener(context: ssl.SSLContext | None) -> urllib.request.OpenerDirector:
    # The machine's proxy has nothing to do with addresses on the machine itself.
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
