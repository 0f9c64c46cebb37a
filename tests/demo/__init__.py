"""``make demo``: from nothing to a trading node on a real cluster, shown live."""
