"""Python's collector of cycles beside a trading loop.

A full collection walks through every object that there is, several hundred thousand of them, while nothing trades. What
a node has loaded when it begins to trade stays until it ends, so it is not looked at any more; what comes later is
looked at less often, because an order makes hundreds of objects and hardly a cycle.
"""

import contextlib
import gc
from collections.abc import Iterator

YOUNG = 20_000
"""Objects made, less those that went, after which the youngest are looked at."""
MIDDLE, OLD = 10, 20
"""So many looks at the next younger ones before the older ones are looked at too."""


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Look for nothing while modules are imported, and never at what they are made of.

    An import makes hundreds of thousands of objects that stay, and the collector would look at all of them again and
    again: a fifth of what importing a database's library takes.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def spare_what_stays() -> None:
    """Look no more at what there is now. Before trading begins: it looks once at all that is not spared yet."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
