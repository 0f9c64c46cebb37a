"""Catalogs of market data: what is in one, and how trades get into one."""
