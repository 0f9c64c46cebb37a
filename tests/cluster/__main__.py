"""The command `python -m tests.cluster`."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence

from tests.cluster import cluster, images, preparation, programs, purge
from tests.cluster.errors import ClusterError
from tests.cluster.interrupts import interrupt_once
from tests.cluster.paths import cache_dir
from tests.cluster.progress import Progress


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description="The local Kubernetes cluster.")
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("up", help="bring the cluster up, or find it running")
    start.add_argument("--nodes", type=int, default=2, choices=(1, 2, 3), help="how many nodes (default 2)")
    commands.add_parser("down", help="stop the cluster; what was built for it stays in the cache")
    commands.add_parser("purge", help="stop the cluster and remove this user's cache: the next start builds all anew")
    commands.add_parser("status", help="say whether a cluster runs, who started it and from where")
    commands.add_parser("env", help="print the lines that a shell evaluates to work with the cluster")
    image = commands.add_parser("images", help="build the images that have changed; a running cluster gets them")
    image.add_argument("names", nargs="*", metavar="NAME", help="operator, node or gcsfuse (default: all)")
    build = commands.add_parser("build", help="build and fetch, once, everything that the cluster consists of")
    known = sorted(programs.all_components())
    build.add_argument(
        "components",
        nargs="*",
        metavar="COMPONENT",
        help=f"of {', '.join(known)} (default: all but KWOK, and the base image)",
    )
    commands.add_parser("leftovers", help="name what a cluster has left on the machine; fails if there is anything")
    return parser


def _up(arguments: argparse.Namespace) -> int:
    began = time.monotonic()
    found = cluster.running()
    progress = Progress()
    ours = found or cluster.up(arguments.nodes, progress)
    if len(ours.nodes) < arguments.nodes:
        ours = cluster.up(arguments.nodes, progress)
    print(f"{_sentence(ours.description)} ({time.monotonic() - began:.1f} s)")
    print('For your shell: eval "$(python -m tests.cluster env)"')
    return 0


def _sentence(description: cluster.Description) -> str:
    return (
        f"{description.provider} cluster, nodes {', '.join(description.nodes) or 'none yet'}, "
        f"started by {description.user} from {description.checkout} at {description.started}"
    )


def _down(_: argparse.Namespace) -> int:
    began = time.monotonic()
    found = cluster.describe()
    cluster.down()
    print(f"{'down' if found else 'there was no cluster'} ({time.monotonic() - began:.1f} s)")
    return 0


def _purge(arguments: argparse.Namespace) -> int:
    _down(arguments)
    folder = cache_dir()
    print(f"removed {folder}: {purge.readable(purge.purge())} are free again")
    print("Debian packages that were installed stay; apt-get remove takes them away")
    return 0


def _status(_: argparse.Namespace) -> int:
    description = cluster.describe()
    if description is None:
        print("no cluster; start one: python -m tests.cluster up")
        return 3
    wrong = cluster.trouble()
    print(_sentence(description))
    if wrong:
        print(f"{wrong}; `down` removes what is left, `up` starts it anew")
        return 1
    ours = cluster.running()
    assert ours is not None
    print(ours.kubectl("get", "nodes", "-o", "wide"), end="")
    print(ours.kubectl("get", "pods", "--all-namespaces"), end="")
    return 0


def _env(_: argparse.Namespace) -> int:
    ours = cluster.running()
    if ours is None:
        raise ClusterError("no cluster runs; start one: python -m tests.cluster up")
    print(cluster.exports(ours))
    return 0


def _images(arguments: argparse.Namespace) -> int:
    known = {"operator": images.OPERATOR, "node": images.NODE, "gcsfuse": images.GCSFUSE}
    unknown = [name for name in arguments.names if name not in known]
    if unknown:
        raise ClusterError(f"no image {', '.join(unknown)}; there are: {', '.join(known)}")
    began = time.monotonic()
    cluster.build_images(tuple(known[name] for name in arguments.names) or images.ALL)
    print(f"images are current ({time.monotonic() - began:.1f} s)")
    return 0


def _build(arguments: argparse.Namespace) -> int:
    known = programs.all_components()
    unknown = [name for name in arguments.components if name not in known]
    if unknown:
        raise ClusterError(f"no component {', '.join(unknown)}; there are: {', '.join(known)}")
    if arguments.components:
        progress = Progress(len(arguments.components))
        for name in arguments.components:
            print(known[name].obtain(progress))
    else:
        preparation.prepare(preparation.EVERYTHING)
    return 0


def _leftovers(_: argparse.Namespace) -> int:
    found = cluster.leftovers()
    print("\n".join(found) or "nothing is left")
    return 1 if found else 0


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "up": _up,
    "down": _down,
    "purge": _purge,
    "status": _status,
    "env": _env,
    "images": _images,
    "build": _build,
    "leftovers": _leftovers,
}


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = _parser().parse_args(words)
    interrupt_once()
    try:
        return _COMMANDS[arguments.command](arguments)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever reads our output, such as `head`, has read enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print("interrupted; everything that was started has been stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
