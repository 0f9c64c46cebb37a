"""What goes into an image: a Dockerfile's own list of sources, staged without what a checkout gathers."""

import re
import shlex
import shutil
from collections.abc import Iterable
from pathlib import Path

from tests.cluster.errors import ClusterError

_IGNORED = {"__pycache__", ".git", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}


def instructions(dockerfile: str) -> list[str]:
    """Return the Dockerfile's instructions, continued lines joined, comments left out."""
    joined = re.sub(r"\\[ \t]*\n", " ", re.sub(r"(?m)^[ \t]*#.*\n?", "", dockerfile))
    return [line.strip() for line in joined.splitlines() if line.strip()]


def sources(dockerfile: str) -> list[str]:
    """Return the paths (or patterns) of the build context that a Dockerfile reads: COPY, ADD and bind mounts."""
    found: dict[str, None] = {}
    for text in instructions(dockerfile):
        word, _, rest = text.partition(" ")
        if word.upper() in {"COPY", "ADD"}:
            words = shlex.split(rest)
            flags = [item for item in words if item.startswith("--")]
            if not any(flag.startswith("--from=") for flag in flags):
                found.update(dict.fromkeys(item for item in words[len(flags) : -1]))
        elif word.upper() == "RUN":
            for mount in re.findall(r"--mount=(\S+)", rest):
                options = dict(part.partition("=")[::2] for part in mount.split(","))
                if options.get("type", "bind") == "bind" and "from" not in options:
                    found[options.get("source") or options.get("src") or "."] = None
    return list(found)


def bases(dockerfile: str) -> list[str]:
    """Return the images that a Dockerfile starts from, its own stages left out."""
    found: dict[str, None] = {}
    stages: set[str] = set()
    for text in instructions(dockerfile):
        words = text.split()
        if words[0].upper() != "FROM":
            continue
        words = [word for word in words[1:] if not word.startswith("--")]
        if words[0] not in stages:
            found[words[0]] = None
        if len(words) == 3:
            stages.add(words[2])
    return list(found)


def admits(dockerignore: str, path: str) -> bool:
    """Return whether Docker would see a file of the build context, by the rules of a `.dockerignore`.

    The last line that means the file, or a folder above it, decides; one that begins with `!` lets it through.
    """
    names = path.split("/")
    above = ["/".join(names[:depth]) for depth in range(1, len(names) + 1)]
    seen = True
    for text in dockerignore.splitlines():
        rule = text.strip()
        if not rule or rule.startswith("#"):
            continue
        expression = _expression(rule.removeprefix("!").strip().strip("/"))
        if any(re.fullmatch(expression, part) for part in above):
            seen = rule.startswith("!")
    return seen


def _expression(pattern: str) -> str:
    meanings = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(meanings.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*\*|\*|\?)", pattern))


def files(root: Path, patterns: Iterable[str]) -> list[Path]:
    """Return the files that the patterns mean, without caches; a pattern that means none is an error."""
    found: set[Path] = set()
    for pattern in patterns:
        matches = [root] if pattern.strip("/") in {"", "."} else list(root.glob(pattern.strip("/")))
        if not matches:
            raise ClusterError(f"the Dockerfile copies {pattern}, which is not in {root}")
        for match in matches:
            inside = match.rglob("*") if match.is_dir() else [match]
            found.update(path for path in inside if path.is_file() and not _ignored(path.relative_to(root)))
    return sorted(found)


def _ignored(path: Path) -> bool:
    return any(part in _IGNORED or part.endswith((".egg-info", ".pyc")) for part in path.parts)


def stage(root: Path, wanted: Iterable[Path], target: Path) -> None:
    """Copy the files, with their times, to `target`: the context is the same whatever else lies in the checkout."""
    for file in wanted:
        place = target / file.relative_to(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, place)
