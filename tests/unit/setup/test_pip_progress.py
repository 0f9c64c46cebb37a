"""What `make setup` tells of pip's work."""

import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "pip_progress.sh"

LINES = (
    "Ignoring colorama: markers 'sys_platform == \"win32\"' don't match your environment",
    "Looking in indexes: somewhere",
    "Collecting aiohttp==3.13 (from -r tests/requirements.txt (line 1))",
    "  Using cached aiohttp-3.13.whl (1.7 MB)",
    "Collecting numpy==2.5 (from -r tests/requirements.txt (line 9))",
    "WARNING: a word of warning",
    "Installing collected packages: aiohttp, numpy",
    "Successfully installed aiohttp-3.13 numpy-2.5",
)


def _told(lines: Iterable[str], every: int, start: int) -> list[str]:
    command = ["bash", str(SCRIPT), str(every), str(start)]
    text = "".join(f"{line}\n" for line in lines)
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout.splitlines()


def test_ordinary_lines_are_kept_back_and_others_are_not() -> None:
    told = _told(LINES, every=1000, start=int(time.time()) - 100)
    assert told[0] == "WARNING: a word of warning"
    assert told[1].startswith("[setup] installing 2 packages, 10")
    assert len(told) == 2


def test_what_is_done_is_told_with_each_interval() -> None:
    told = _told(LINES[:5], every=0, start=int(time.time()))
    assert "[setup] fetched 2 packages, now numpy==2.5, " in told[-1]


def test_silence_is_bridged() -> None:
    with subprocess.Popen(
        ["bash", str(SCRIPT), "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(LINES[-2] + "\n")
        running.stdin.flush()
        assert running.stdout.readline().startswith("[setup] installing 2 packages, ")
        # Nothing more is written to it: it speaks by itself.
        assert running.stdout.readline().startswith("[setup] still installing packages, ")
        running.stdin.close()
