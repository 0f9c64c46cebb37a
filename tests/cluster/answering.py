"""Whether a server answers."""

import ssl
import urllib.error
import urllib.request


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
