"""Venues: from an adapter's name to the clients that Nautilus trades through."""
