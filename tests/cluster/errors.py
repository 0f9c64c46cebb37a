"""The one error that the commands show without a traceback."""


class ClusterError(Exception):
    """Something that a person can act on; the message says what to do."""
