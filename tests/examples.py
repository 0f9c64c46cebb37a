"""How often a property is tried: a few times in the fast tests, many times in the whole test run.

Counts are written for the fast tests; ``--hypothesis-profile=thorough`` multiplies them.
"""

from typing import Any

from hypothesis import settings

FAST = 20
THOROUGH = 160


def register() -> None:
    """Make both profiles known; the fast one is the default.

    No deadline: how long an example takes tells how busy the machine is.
    """
    settings.register_profile("fast", max_examples=FAST, deadline=None)
    settings.register_profile("thorough", max_examples=THOROUGH, deadline=None)
    settings.load_profile("fast")


def times(count: int) -> int:
    """Scale a count of the fast tests to the present profile."""
    chosen = settings.get_profile(settings.get_current_profile_name())
    return max(1, count * chosen.max_examples // FAST)


def examples(count: int, **options: Any) -> settings:
    """Settings of a property that is tried so often in the fast tests."""
    return settings(max_examples=times(count), **options)
