"""The way to the API server: what the operator asks of it, the real client, and leader election."""
