"""What a Dockerfile takes from the checkout."""

from pathlib import Path

import pytest

from tests.cluster import context, images
from tests.cluster.errors import ClusterError

DOCKERFILE = """\
# syntax comment
ARG BUILDER=golang:1
FROM ${BUILDER} AS build
COPY --chown=1:1 pyproject.toml \\
     # a comment between
     LICENSE /src/
RUN --mount=type=bind,source=operator/requirements.txt,target=/r.txt --mount=type=cache,target=/root/.cache pip install
FROM --platform=linux/amd64 python:3.13-slim-trixie
COPY --from=build /x /y
ADD crds/src /crds
"""


def test_sources_are_what_copy_add_and_bind_mounts_name() -> None:
    assert context.sources(DOCKERFILE) == ["pyproject.toml", "LICENSE", "operator/requirements.txt", "crds/src"]


def test_bases_leave_own_stages_out() -> None:
    assert context.bases(DOCKERFILE + "FROM build\n") == ["${BUILDER}", "python:3.13-slim-trixie"]


def test_caches_of_a_checkout_stay_outside(tmp_path: Path) -> None:
    for name in ("src/a.py", "src/__pycache__/a.pyc", "src/x.egg-info/PKG-INFO", ".venv/lib/b.py", "src/b/c.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    found = context.files(tmp_path, ["."])
    assert [path.relative_to(tmp_path).as_posix() for path in found] == ["src/a.py", "src/b/c.py"]
    target = tmp_path / "target"
    context.stage(tmp_path, context.files(tmp_path, ["src/b", "src/*.py"]), target)
    assert sorted(path.relative_to(target).as_posix() for path in target.rglob("*.py")) == ["src/a.py", "src/b/c.py"]


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("secret.txt", False),
        ("README.md", True),
        ("docs/README.md", False),
        ("crds/src", True),
        ("crds/src/trading_api/base.py", True),
        ("crds/src/trading_api/__pycache__/base.pyc", False),
        ("__pycache__/x.pyc", False),
        ("crds/source", False),
        ("data/a1.csv", True),
        ("data/a12.csv", False),
        ("data/deep/a1.csv", False),
    ],
)
def test_the_last_line_that_means_a_file_or_a_folder_above_it_decides(path: str, seen: bool) -> None:
    lines = ["# a comment", "", "*", "!README.md", "!crds/src/", "! data/a?.csv", "**/__pycache__"]
    assert context.admits("\n".join(lines), path) == seen


@pytest.mark.parametrize("source", images.ALL, ids=lambda source: source.title)
def test_docker_sees_all_that_a_dockerfile_copies_and_nothing_else(source: images.Source) -> None:
    ignore = source.dockerfile.with_name("Dockerfile.dockerignore").read_text(encoding="utf-8")
    copied = context.sources(source.dockerfile.read_text(encoding="utf-8"))
    wanted = [path.relative_to(source.root).as_posix() for path in context.files(source.root, copied)]
    assert [path for path in wanted if not context.admits(ignore, path)] == []
    let_through = [line[1:] for line in ignore.splitlines() if line.startswith("!")]
    assert sorted(let_through) == sorted(copied)


def test_a_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"copies nothing\.txt"):
        context.files(tmp_path, ["nothing.txt"])
