"""Python's collector of cycles beside a trading loop.

A full collection walks through every object that there is, several hundred thousand of them, while nothing trades. What
a node has loaded when it begins to trade stays until it ends, so it is not looked at any more; what comes later is
looked at less often, because an order makes hundreds of objects and hardly a cycle.
"""

import gc

YOUNG = 20_000
"""Objects made, less those that went, after which the youngest are looked at."""
MIDDLE, OLD = 10, 20
"""So many looks at the next younger ones before the older ones are looked at too."""


def spare_what_stays() -> None:
    """Look no more at what there is now. Before trading begins: it takes as long as one full collection."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
