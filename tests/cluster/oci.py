"""An image layout on disk, and archives of it that hold only what the receiver lacks."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_REFERENCE = "org.opencontainers.image.ref.name"


@dataclass(frozen=True)
class Image:
    """One image of a layout."""

    name: str
    digest: str
    manifest: dict[str, Any]
    size: int

    @property
    def blobs(self) -> list[str]:
        """Everything that it consists of, the manifest first."""
        return [self.digest, self.manifest["config"]["digest"], *(layer["digest"] for layer in self.manifest["layers"])]


class Layout:
    """A folder in the OCI image layout; several images share their layers in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        """Make an empty layout unless there is one."""
        (self.folder / "blobs/sha256").mkdir(parents=True, exist_ok=True)
        for name, content in (("oci-layout", {"imageLayoutVersion": "1.0.0"}), ("index.json", _index([]))):
            path = self.folder / name
            if not path.exists():
                path.write_text(json.dumps(content), encoding="utf-8")

    def blob(self, digest: str) -> Path:
        """Return the file of a blob."""
        return self.folder / "blobs" / digest.replace(":", "/")

    def image(self, name: str) -> Image | None:
        """Return the image of that name, or None."""
        for entry in self._entries():
            if entry.get("annotations", {}).get(_REFERENCE) == name:
                manifest = json.loads(self.blob(entry["digest"]).read_text(encoding="utf-8"))
                return Image(name, entry["digest"], manifest, entry["size"])
        return None

    def _entries(self) -> list[dict[str, Any]]:
        path = self.folder / "index.json"
        if not path.exists():
            return []
        entries: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["manifests"]
        return entries

    def prune(self) -> None:
        """Delete the blobs of images that were replaced."""
        wanted = set()
        for entry in self._entries():
            manifest = json.loads(self.blob(entry["digest"]).read_text(encoding="utf-8"))
            wanted |= {entry["digest"], manifest["config"]["digest"]}
            wanted |= {layer["digest"] for layer in manifest["layers"]}
        for blob in (self.folder / "blobs/sha256").iterdir():
            if f"sha256:{blob.name}" not in wanted:
                blob.unlink()

    def archive(self, images: Iterable[Image], target: Path, has: Callable[[str], bool]) -> None:
        """Write an archive of the images that leaves out the blobs which the receiver has."""
        entries, blobs = [], dict[str, None]()
        for image in images:
            # containerd takes the first annotation as the image's full name.
            names = {"io.containerd.image.name": image.name, _REFERENCE: image.name}
            entries.append({"mediaType": _MANIFEST, "digest": image.digest, "size": image.size, "annotations": names})
            blobs.update(dict.fromkeys(image.blobs[:2]))
            blobs.update(dict.fromkeys(digest for digest in image.blobs[2:] if not has(digest)))
        with tarfile.open(target, "w") as archive:
            _add(archive, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())
            _add(archive, "index.json", json.dumps(_index(entries)).encode())
            for digest in blobs:
                archive.add(self.blob(digest), f"blobs/{digest.replace(':', '/')}")

    def add_program(self, name: str, program: Path, architecture: str) -> Image:
        """Make an image of one static program and nothing else, as the pause container is."""
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w") as archive:
            _add(archive, program.name, program.read_bytes(), mode=0o755)
        layer = self._put(gzip.compress(raw.getvalue(), mtime=0))
        config = {
            "architecture": architecture,
            "os": "linux",
            "config": {"Entrypoint": [f"/{program.name}"], "User": "65535:65535"},
            "rootfs": {"type": "layers", "diff_ids": [_digest(raw.getvalue())]},
        }
        config_entry = self._put(json.dumps(config).encode())
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": {"mediaType": _CONFIG, **config_entry},
            "layers": [{"mediaType": _LAYER, **layer}],
        }
        entry = {"mediaType": _MANIFEST, **self._put(json.dumps(manifest).encode()), "annotations": {_REFERENCE: name}}
        others = [item for item in self._entries() if item.get("annotations", {}).get(_REFERENCE) != name]
        (self.folder / "index.json").write_text(json.dumps(_index([*others, entry])), encoding="utf-8")
        image = self.image(name)
        assert image is not None
        return image

    def _put(self, content: bytes) -> dict[str, Any]:
        digest = _digest(content)
        self.blob(digest).write_bytes(content)
        return {"digest": digest, "size": len(content)}


def _index(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {"schemaVersion": 2, "mediaType": _INDEX, "manifests": entries}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), mode
    archive.addfile(member, io.BytesIO(content))
