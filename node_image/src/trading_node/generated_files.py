"""Files of the documentation that are written by programs: written where they are not current, or only checked."""

import sys
from pathlib import Path


def bring_up_to_date(file: Path, current: str, *, check: bool, command: str) -> int:
    """Write the text into the file unless it is there, and return the exit code.

    check: write nothing, and fail with the command that would.
    """
    if file.is_file() and file.read_text(encoding="utf-8") == current:
        return 0
    if check:
        print(f"{file} is not current: run {command}", file=sys.stderr)
        return 1
    file.write_text(current, encoding="utf-8")
    print(f"wrote {file}")
    return 0
