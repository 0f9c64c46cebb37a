"""Which stages begin next: pure, so that its rules can be tried without a process."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One command with a title, which is its name too."""

    title: str
    command: tuple[str, ...]
    needs: tuple[str, ...] = ()
    """Titles of earlier stages without whose success this one cannot succeed."""
    alone: bool = False
    """Whether it has the machine to itself; none of the stages after it begins before it."""


def check_needs(stages: Sequence[Stage]) -> None:
    """Raise ValueError where a stage needs what is no earlier one: it would never begin, and nobody would notice."""
    earlier: set[str] = set()
    for stage in stages:
        if unknown := set(stage.needs) - earlier:
            raise ValueError(f"stage {stage.title!r} needs {sorted(unknown)}: write titles of stages before it")
        earlier.add(stage.title)


def next_stages(
    stages: Sequence[Stage],
    *,
    running: Collection[str],
    ended: Mapping[str, int],
    jobs: int,
    keep_going: bool,
) -> list[Stage]:
    """Return the stages that begin now, in their order.

    One that waits for what it needs is passed by; one that waits for the machine is not.

    ``running`` holds titles, ``ended`` return codes by title. After a failure nothing begins unless ``keep_going``;
    then all that does not need what failed still does.
    """
    if any(ended.values()) and not keep_going:
        return []
    chosen: list[Stage] = []
    alone = any(stage.alone for stage in stages if stage.title in running)
    for stage in stages:
        busy = len(running) + len(chosen)
        if stage.title in running or stage.title in ended or any(ended.get(need) != 0 for need in stage.needs):
            continue
        if alone or busy >= jobs or (stage.alone and busy):
            break
        chosen.append(stage)
        alone = stage.alone
    return chosen
