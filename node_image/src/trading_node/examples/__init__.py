"""Two strategies to start from."""
