"""A real API server alone (etcd and kube-apiserver): no nodes, no controllers, ready in a few seconds.

For tests of schemas, admission, RBAC, server-side apply and watches. Service accounts' tokens work; what controllers
make (default service accounts, garbage collection, pods of a StatefulSet) does not happen.
"""

import os
import shutil
import socket
import ssl
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.cluster import control_plane, process, programs
from tests.cluster.answering import answers
from tests.cluster.control_plane import ControlPlane
from tests.cluster.errors import ClusterError
from tests.cluster.paths import memory_dir
from tests.cluster.pki import Authority
from tests.waiting import eventually

_PREFIX = "trading-api-server-"
_OWNER = "owner"


class ApiServer:
    """Context manager: an API server on a free loopback port, with an administrator's kubeconfig."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._plane: ControlPlane | None = None
        self._running: list[process.Record] = []

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self._started.config("admin")

    @property
    def url(self) -> str:
        """`https://127.0.0.1:PORT`."""
        return self._started.server

    @property
    def ca_file(self) -> Path:
        """The certificate of the authority that signed the server's."""
        return self._started.tls / "ca.crt"

    @property
    def _started(self) -> ControlPlane:
        if self._plane is None:
            raise ClusterError("the API server runs only inside its `with` block")
        return self._plane

    def __enter__(self) -> Self:
        kube = programs.kube()
        # In memory: etcd waits for the disk at each write, and nothing here has to survive.
        base = memory_dir()
        sweep(base)
        self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
        try:
            process.own(_OWNER).save(self._folder)
            self._start(kube, self._folder)
        except BaseException:
            self.stop()
            raise
        return self

    def _start(self, kube: Path, folder: Path) -> None:
        plane = ControlPlane(folder, "127.0.0.1", _free_port(), "10.96.0.0/16", "10.96.0.1")
        self._plane = plane
        control_plane.write_files(plane, Authority())
        for name, command in (
            ("etcd", control_plane.etcd(kube, folder / "etcd")),
            ("kube-apiserver", control_plane.apiserver(kube, plane)),
        ):
            self._running.append(process.start(name, command, records=folder, logs=folder, cwd=folder))
        wait_ready(plane, self._running, folder)

    def stop(self) -> None:
        """Stop the processes and remove their files; safe to call again."""
        folder, self._folder, self._plane = self._folder, None, None
        if folder is None:
            return
        for record in reversed(self._running):
            process.stop(record, records=folder)
        self._running.clear()
        shutil.rmtree(folder, ignore_errors=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def sweep(base: Path) -> None:
    """Stop what a killed test run left behind: an API server whose starter no longer lives."""
    for folder in base.glob(f"{_PREFIX}*"):
        if not os.access(folder, os.W_OK):
            continue
        records = process.load(folder)
        owners = [record for record in records if record.name == _OWNER]
        if not owners or process.alive(owners[0]):
            continue
        for record in reversed(records):
            if record.name != _OWNER:
                process.stop(record, records=folder)
        shutil.rmtree(folder, ignore_errors=True)


def wait_ready(plane: ControlPlane, running: list[process.Record], logs: Path, seconds: float = 60) -> None:
    """Wait until the API server calls itself ready; an early end of a process is told with its log."""
    context = ssl.create_default_context(cafile=str(plane.tls / "ca.crt"))
    context.load_cert_chain(plane.tls / "kubelet-client.crt", plane.tls / "kubelet-client.key")

    def ready() -> bool:
        for record in running:
            process.ended_early(record, logs)
        return answers(f"{plane.server}/readyz", context)

    eventually(ready, f"API server at {plane.server} ready (logs: {logs})", within=seconds, failure=ClusterError)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
