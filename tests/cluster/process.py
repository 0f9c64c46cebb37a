"""Processes that outlive the command that started them: found again by record, never by name."""

import atexit
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.cluster.errors import ClusterError


@dataclass(frozen=True)
class Ending:
    """How a process is asked to end, and how many seconds it gets before it is killed."""

    signal: int = int(signal.SIGTERM)
    grace: float = 5


GARBAGE_COLLECTION = {"GOGC": "400"}
"""Go's collector, lazier than it comes: it takes a quarter of the API server's time, and the machine has the memory."""
AT_ONCE = Ending(grace=0)
"""For a process whose data is thrown away: it has nothing to finish."""


@dataclass(frozen=True)
class Record:
    """Enough to tell our process from another one that got the same number later."""

    name: str
    pid: int
    started: int
    """Ticks since boot, field 22 of /proc/PID/stat."""
    boot: str
    command: tuple[str, ...]
    ending: Ending = AT_ONCE

    def save(self, folder: Path) -> None:
        """Write the record whole or not at all."""
        path = folder / f"{self.name}.json"
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(self)), encoding="utf-8")
        temporary.rename(path)


def parse_record(text: str) -> Record | None:
    """Return the record in a file's text; None when a crash left something else there."""
    try:
        data = json.loads(text)
        return Record(**{**data, "command": tuple(data["command"]), "ending": Ending(**data["ending"])})
    except (ValueError, TypeError, KeyError):
        return None


def parse_stat(text: str) -> tuple[str, int, int]:
    """State letter, parent and start time out of /proc/PID/stat, whose second field may hold spaces and brackets."""
    fields = text[text.rindex(")") + 2 :].split()
    return fields[0], int(fields[1]), int(fields[19])


def boot_id() -> str:
    """Return what tells this boot of the machine from the others."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _start_time(pid: int) -> int | None:
    try:
        state, _, started = parse_stat(Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace"))
    except (OSError, ValueError):
        return None
    return None if state in "ZX" else started


def command_of(pid: int) -> tuple[str, ...]:
    """Return the process's command line; empty when it is gone."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ()
    return tuple(part.decode(errors="replace") for part in raw.split(b"\0")[:-1])


def alive(record: Record) -> bool:
    """Whether exactly this process still runs: number, start time, boot and command must all agree."""
    return (
        record.boot == boot_id()
        and _start_time(record.pid) == record.started
        and command_of(record.pid) == record.command
    )


def start(
    name: str,
    command: Sequence[str | Path],
    *,
    records: Path,
    logs: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    becomes: Sequence[str] | None = None,
    ending: Ending = AT_ONCE,
) -> Record:
    """Start a process in a session of its own, its output in `logs`/NAME.log, and write its record.

    `becomes` is the command line at the end of a chain of programs that replace each other (nsenter, sh).

    A session of its own: Ctrl-C in the terminal is for the command, which then stops its processes in order.
    """
    words = [str(word) for word in command]
    records.mkdir(parents=True, exist_ok=True)
    logs.mkdir(parents=True, exist_ok=True)
    with (logs / f"{name}.log").open("ab") as out:
        try:
            process = subprocess.Popen(
                words,
                env={**GARBAGE_COLLECTION, **os.environ, **(env or {})},
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise ClusterError(f"{words[0]} is not installed") from error
    started = _start_time(process.pid)
    record = Record(name, process.pid, started or 0, boot_id(), tuple(becomes or words), ending)
    _settle(process, record.command)
    _children[process.pid] = process
    record.save(records)
    return record


def own(name: str) -> Record:
    """Return the record of this very process."""
    return Record(name, os.getpid(), _start_time(os.getpid()) or 0, boot_id(), command_of(os.getpid()))


_children: dict[int, subprocess.Popen[bytes]] = {}
"""Our own children must be waited for, or they stay as zombies until this program ends."""


@atexit.register
def _let_go() -> None:
    # They are meant to outlive us; subprocess would complain about each of them.
    for child in _children.values():
        child.returncode = child.returncode or 0


def _settle(process: subprocess.Popen[bytes], command: Sequence[str]) -> None:
    deadline = time.monotonic() + 5
    while command_of(process.pid) != tuple(command) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)


def load(records: Path) -> list[Record]:
    """Every readable record, in the order in which they were written."""
    if not records.is_dir():
        return []
    files = sorted(records.glob("*.json"), key=lambda file: file.stat().st_mtime_ns)
    found = (parse_record(file.read_text(encoding="utf-8")) for file in files)
    return [record for record in found if record is not None]


def stop(record: Record, *, records: Path) -> None:
    """End the process if it is still ours, and drop its record. A stopped (SIGSTOP) process is woken to hear it."""
    if _signal(record, signal.Signals(record.ending.signal)):
        _signal(record, signal.SIGCONT)
        if not _gone(record, record.ending.grace) and _signal(record, signal.SIGKILL) and not _gone(record, 10):
            raise ClusterError(f"{record.name} (pid {record.pid}) does not end")
    (records / f"{record.name}.json").unlink(missing_ok=True)


def _signal(record: Record, number: signal.Signals) -> bool:
    # A pidfd closes the gap between looking and signalling: it can only ever mean the process that we looked at.
    try:
        handle = os.pidfd_open(record.pid)
    except ProcessLookupError:
        return False
    try:
        if not alive(record):
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def send(record: Record, number: signal.Signals) -> None:
    """Signal the process; an error when it is no longer there."""
    if not _signal(record, number):
        raise ClusterError(f"{record.name} is not running")


def _gone(record: Record, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        child = _children.get(record.pid)
        if child is not None and child.poll() is not None:
            del _children[record.pid]
        if _start_time(record.pid) != record.started:
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)


def ids() -> Iterable[int]:
    """Return the numbers of all processes."""
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def ended_early(record: Record, logs: Path) -> None:
    """Raise, with the end of its log, when a process that should be running is not."""
    child = _children.get(record.pid)
    if child is not None:
        child.poll()
    if _start_time(record.pid) != record.started:
        log = logs / f"{record.name}.log"
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
        raise ClusterError(f"{record.name} ended at its start; the end of {log}:\n" + "\n".join(tail))
