"""Running other programs: output goes to a log or into the error, never lost and never in the way."""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.cluster.errors import ClusterError


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    timeout: float = 120,
) -> str:
    """Run a short command and return its standard output; a failure carries what it printed."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise ClusterError(f"{words[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise ClusterError(f"no end after {timeout:.0f} s: {' '.join(words)}") from error
    if done.returncode != 0:
        raise ClusterError(failure(words, done.returncode, done.stdout + done.stderr))
    return done.stdout


def succeeds(command: Sequence[str | Path], *, timeout: float = 60) -> bool:
    """Whether the command can be run and ends with 0."""
    try:
        run(command, timeout=timeout)
    except ClusterError:
        return False
    return True


def follow(
    command: Sequence[str | Path],
    on_line: Callable[[str], None],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Run a long command, hand each line of its output to `on_line` and keep all of it in `log`.

    The process has a group of its own and it is ended as a whole when we are interrupted, so that no compiler goes on
    working behind an aborted build.
    """
    words = [str(word) for word in command]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as out:
        out.write(f"$ {' '.join(words)}\n")
        try:
            process = subprocess.Popen(
                words,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                process_group=0,
            )
        except FileNotFoundError as error:
            raise ClusterError(f"{words[0]} is not installed") from error
        _long.add(process)
        with process:
            assert process.stdout is not None
            try:
                for text in process.stdout:
                    out.write(text)
                    on_line(text.rstrip())
                code = process.wait()
            except BaseException:
                _end_group(process)
                raise
            finally:
                _long.discard(process)
    if code != 0:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-25:])
        raise ClusterError(f"{failure(words, code, tail)}\n(the whole log: {log})")


_long: set[subprocess.Popen[str]] = set()


def abort() -> None:
    """End every long command that another thread follows; an interrupt reaches the main thread alone."""
    for process in list(_long):
        _end_group(process)


def failure(words: Sequence[str], code: int, output: str) -> str:
    """Return the message of a failed command: what ran, how it ended, the end of what it said."""
    return f"{' '.join(words)} ended with {code}:\n{output.strip()[-4000:]}"


def _end_group(process: subprocess.Popen[str]) -> None:
    for number in (15, 9):
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=5)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
        return
