"""Events per second of the node's replay against bare Nautilus over the same data."""
