"""Building Go programs: from the module in `go/`, and from published modules by version."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.paths import cache_dir
from tests.cluster.progress import Stage
from tests.cluster.shell import follow, run

SOURCE = Path(__file__).resolve().parent / "go"
KUBERNETES = "v1.37.2"

# Without debug information and with a lazier garbage collector the compiler is a good part faster.
_FLAGS = ("-v", "-buildvcs=false", "-trimpath", "-tags=notest,grpcnotrace", "-gcflags=all=-dwarf=false")
_ENVIRONMENT = {"CGO_ENABLED": "0", "GOGC": "400", "GOTOOLCHAIN": "auto"}


def environment() -> dict[str, str]:
    """Return the build's environment: static programs, and a newer Go fetched as a module where one is asked for."""
    return {name: value for name, value in _ENVIRONMENT.items() if name != "GOGC" or "GOGC" not in os.environ}


def require_go() -> None:
    """Say what is needed when there is no Go."""
    if shutil.which("go") is None:
        raise ClusterError(
            "Go is needed to build Kubernetes: install Go 1.26 or newer (1.21 and newer fetch what is asked for; "
            "Debian 13: apt-get install golang-go)"
        )


def ldflags(kubernetes: str = KUBERNETES) -> str:
    """Return what strips a program and tells Kubernetes its version."""
    return f"-s -w -X k8s.io/component-base/version.gitVersion={kubernetes}"


def build(packages: Sequence[str], out: Path, stage: Stage) -> None:
    """Build programs of our module into the folder `out`."""
    require_go()
    log = cache_dir() / "logs" / f"go-{'-'.join(Path(name).name for name in packages)}.log"
    stage.say("fetching modules")
    # `go list` fetches only the modules that hold packages of ours; `go mod download` would fetch all that are named.
    total = len(run(["go", "list", "-deps", *packages], cwd=SOURCE, env=environment(), timeout=1200).splitlines())
    counter = _Counter(stage, total)
    out.mkdir(parents=True, exist_ok=True)
    command = ["go", "build", *_FLAGS, f"-ldflags={ldflags()}", "-o", f"{out}/", *packages]
    follow(nice(command), counter, log=log, env=environment(), cwd=SOURCE)


def flags() -> str:
    """Return what the compiler is told, for a recipe's key."""
    return " ".join([*_FLAGS, ldflags()])


def install(package: str, version: str, out: Path, stage: Stage, *, flags: str = "-s -w") -> None:
    """Build one program of a published module, with the module's own choice of dependencies, into `out`."""
    require_go()
    log = cache_dir() / "logs" / f"go-{Path(package).name}.log"
    out.mkdir(parents=True, exist_ok=True)
    command = ["go", "install", *_FLAGS, f"-ldflags={flags}", f"{package}@{version}"]
    stage.say("fetching modules")
    follow(nice(command), _Counter(stage, None), log=log, env={**environment(), "GOBIN": str(out)}, cwd=cache_dir())


def nice(command: Sequence[str]) -> list[str]:
    """Return the command so that a long build leaves the machine usable."""
    return ["nice", "-n", "5", *command]


class _Counter:
    """Counts the packages that `go build -v` names as it compiles them."""

    def __init__(self, stage: Stage, total: int | None) -> None:
        self._stage = stage
        self._of = f" of {total}" if total is not None else ""
        self._done = 0

    def __call__(self, text: str) -> None:
        if text.startswith("go: downloading"):
            self._stage.say("fetching modules")
        else:
            self._done += 1
            self._stage.say(f"compiling, {self._done}{self._of} packages")
