"""The exchange itself: pure, deterministic, without I/O or a clock of its own."""
