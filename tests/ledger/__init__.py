"""The ledger test: a node that is killed at random moments, a venue that misbehaves, and books that must be right."""
