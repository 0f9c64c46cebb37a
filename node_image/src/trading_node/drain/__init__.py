"""What a stop still has to do: from the policy, our orders and positions and what the venues say, to the next actions.

Pure: no client, no clock. :mod:`trading_node.nautilus_drain` looks, asks and acts.
"""
