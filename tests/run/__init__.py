"""Runs the project's checks and tests as named stages, and says how long each took."""
