"""A control group tree of the cluster's own: what runs in it is ours, whatever became of the records."""

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tests.cluster.errors import ClusterError

ROOT = "trading-operator-cluster"
_MOUNT = Path("/sys/fs/cgroup")
_CONTROLLERS_V2 = ("cpu", "cpuset", "memory", "pids", "io", "hugetlb")


def _hierarchies() -> list[Path]:
    if (_MOUNT / "cgroup.controllers").exists():
        return [_MOUNT]
    return sorted({path.resolve() for path in _MOUNT.iterdir() if (path / "cgroup.procs").exists()})


def create(name: str) -> str:
    """Make the group in every hierarchy and return its path as the kubelet and runc name it."""
    for hierarchy in _hierarchies():
        group = hierarchy
        for part in (ROOT, *Path(name).parts):
            _enable_controllers(group)
            group /= part
            group.mkdir(exist_ok=True)
            _inherit_cpuset(group)
    return f"/{ROOT}/{name}"


def _enable_controllers(group: Path) -> None:
    control = group / "cgroup.subtree_control"
    if control.exists():
        there = (group / "cgroup.controllers").read_text(encoding="ascii").split()
        for name in _CONTROLLERS_V2:
            if name in there:
                # One that cannot be had is for the kubelet to miss: it says which it needs.
                with suppress(OSError):
                    control.write_text(f"+{name}", encoding="ascii")


def _inherit_cpuset(group: Path) -> None:
    # Of version 1: no process may enter while these are empty.
    for name in ("cpuset.cpus", "cpuset.mems"):
        if (group / name).exists() and not (group / "cgroup.controllers").exists():
            (group / name).write_text((group.parent / name).read_text(encoding="ascii"), encoding="ascii")


def join(name: str, pid: int) -> None:
    """Move a process into the group, in one hierarchy: enough to find it and its children again."""
    hierarchy = next((path for path in _hierarchies() if path.name in {"pids", "cgroup"}), _hierarchies()[0])
    (hierarchy / ROOT / name / "cgroup.procs").write_text(str(pid), encoding="ascii")


def _groups() -> Iterable[Path]:
    for hierarchy in _hierarchies():
        top = hierarchy / ROOT
        if top.is_dir():
            yield from (Path(folder) for folder, _, _ in os.walk(top, topdown=False))


def processes(name: str = "") -> set[int]:
    """Return the processes in the tree, or in one group and those below it."""
    found: set[int] = set()
    for group in _groups():
        if name and name not in group.relative_to(_MOUNT).as_posix():
            continue
        try:
            found.update(int(word) for word in (group / "cgroup.procs").read_text(encoding="ascii").split())
        except OSError:
            continue
    return found - {0, os.getpid()}


def kill(name: str = "", seconds: float = 10) -> None:
    """End every process of the tree (or of one group) and wait until none is left."""
    deadline = time.monotonic() + seconds
    while pids := processes(name):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if time.monotonic() > deadline:
            raise ClusterError(f"processes of the cluster do not end: {sorted(pids)}")
        time.sleep(0.02)


def remove() -> None:
    """Remove the tree, which must hold no process any more."""
    for group in _groups():
        for _ in range(50):
            try:
                group.rmdir()
            except FileNotFoundError:
                break
            except OSError:
                # The kernel takes a moment to let go of the last process.
                time.sleep(0.02)
            else:
                break


def leftovers() -> list[str]:
    """Name the groups that are still there."""
    return [f"control group {group}" for group in _groups() if group.name == ROOT]
