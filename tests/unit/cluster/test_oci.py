"""Image layouts and the archives that carry only what is missing."""

import json
import tarfile
from pathlib import Path

import pytest

from tests.cluster.oci import Image, Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "images")
    made.prepare()
    return made


def add(layout: Layout, folder: Path, name: str, content: bytes) -> Image:
    program = folder / "program"
    program.write_bytes(content)
    return layout.add_program(name, program, "amd64")


def test_an_image_is_found_by_name_with_all_its_blobs(layout: Layout, tmp_path: Path) -> None:
    image = add(layout, tmp_path, "localhost/a:dev", b"a")
    assert layout.image("localhost/a:dev") == image
    assert layout.image("localhost/b:dev") is None
    assert all(layout.blob(digest).is_file() for digest in image.blobs)
    with tarfile.open(layout.blob(image.blobs[2])) as layer:
        assert [(member.name, member.mode) for member in layer] == [("program", 0o755)]


def test_the_same_program_makes_the_same_image(layout: Layout, tmp_path: Path) -> None:
    assert add(layout, tmp_path, "x", b"a").digest == add(layout, tmp_path, "x", b"a").digest
    assert add(layout, tmp_path, "x", b"b").digest != add(layout, tmp_path, "y", b"a").digest


def test_an_archive_leaves_out_the_layers_that_the_receiver_has(layout: Layout, tmp_path: Path) -> None:
    one, two = (add(layout, tmp_path, f"localhost/{name}:dev", name.encode()) for name in ("one", "two"))
    archive = tmp_path / "archive.tar"
    layout.archive([one, two], archive, lambda digest: digest == one.blobs[2])
    with tarfile.open(archive) as found:
        names = set(found.getnames())
        member = found.extractfile("index.json")
        assert member is not None
        index = json.loads(member.read())
    wanted = {f"blobs/{digest.replace(':', '/')}" for digest in (*one.blobs[:2], *two.blobs)}
    assert names == {"oci-layout", "index.json", *wanted}
    key = "io.containerd.image.name"
    assert [entry["annotations"][key] for entry in index["manifests"]] == ["localhost/one:dev", "localhost/two:dev"]


def test_pruning_keeps_what_an_image_still_needs(layout: Layout, tmp_path: Path) -> None:
    old = add(layout, tmp_path, "localhost/a:dev", b"old")
    new = add(layout, tmp_path, "localhost/a:dev", b"new")
    layout.prune()
    assert not any(layout.blob(digest).exists() for digest in set(old.blobs) - set(new.blobs))
    assert all(layout.blob(digest).exists() for digest in new.blobs)
