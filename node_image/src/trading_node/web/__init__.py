"""The node's HTTP side."""
