"""Imports Nautilus before the tests do."""

import warnings

with warnings.catch_warnings():
    # pandas 2.3 uses a form of NumPy's timedelta that NumPy 2.5 deprecates: once, while it is imported.
    warnings.filterwarnings("ignore", "The 'generic' unit for NumPy timedelta", DeprecationWarning)
    import nautilus_trader.persistence.catalog  # noqa: F401
