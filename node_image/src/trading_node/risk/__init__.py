"""Pre-trade risk: what an order is, what is known about the account, and whether the one may be added to the other.

Pure: no clock, no Nautilus, no input or output. :mod:`trading_node.gate` keeps the state and counts what was decided.
"""
