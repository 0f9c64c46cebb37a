"""How often a property is tried: a few times in the fast tests, many times in the whole test run.

The fast profile shortens the counts that are written at the properties; ``--hypothesis-profile=thorough`` multiplies
them.
"""

from typing import Any

from hypothesis import settings

FAST = 12
THOROUGH = 160
WRITTEN_FOR = 20
"""The usual count; a property that needs more, or can do with less, writes its own in relation to it."""


def register() -> None:
    """Make both profiles known; the fast one is the default.

    No deadline: how long an example takes tells how busy the machine is.
    """
    settings.register_profile("fast", max_examples=FAST, deadline=None)
    settings.register_profile("thorough", max_examples=THOROUGH, deadline=None)
    settings.load_profile("fast")


def is_thorough() -> bool:
    """Tell whether the present profile tries more than what is written."""
    return settings.get_profile(settings.get_current_profile_name()).max_examples > WRITTEN_FOR


def times(count: int) -> int:
    """Scale a written count to the present profile."""
    chosen = settings.get_profile(settings.get_current_profile_name())
    return max(1, count * chosen.max_examples // WRITTEN_FOR)


def examples(count: int, **options: Any) -> settings:
    """Settings of a property that is tried so often, more or less as the present profile wants it."""
    return settings(max_examples=times(count), **options)
