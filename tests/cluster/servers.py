"""Real servers beside the cluster, on the machine itself: started on first use, stopped by `down`.

They listen on the address that pods reach (`Cluster.service_address`); `fresh(...)` gives one on loopback instead, for
tests without a cluster.
"""

import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.cluster import cgroups, process, programs
from tests.cluster.answering import answers
from tests.cluster.cluster import Cluster
from tests.cluster.errors import ClusterError
from tests.cluster.local import SYSTEM
from tests.cluster.packages import require_packages
from tests.cluster.paths import cache_dir, data_dir, state_dir
from tests.cluster.process import AT_ONCE, Ending
from tests.cluster.recipe import locked
from tests.cluster.shell import run
from tests.waiting import eventually


@dataclass(frozen=True)
class Address:
    """Where a server listens, and the password that it asks for."""

    host: str
    port: int
    password: str = ""


@dataclass(frozen=True)
class Kind:
    """How one kind of server is prepared, started and asked whether it is ready."""

    name: str
    prepare: Callable[[Path, Address], Sequence[str]]
    """Fill an empty folder and return the server's command."""
    ready: Callable[[Address], bool]
    user: str | None = None
    """Whose process it must be; PostgreSQL refuses root."""
    ending: Ending = AT_ONCE


def _fake_gcs(folder: Path, at: Address) -> Sequence[str]:
    # The emulator's other backend answers gcsfuse's listings with 404.
    options = ["-backend", "memory", "-scheme", "http", "-host", at.host, "-port", str(at.port)]
    address = f"{at.host}:{at.port}"
    empty = folder / "empty"
    empty.mkdir()
    external = ["-external-url", f"http://{address}", "-public-host", address, "-data", str(empty)]
    return [str(programs.fake_gcs()), *options, *external, "-log-level", "warn"]


def _gcs_ready(at: Address) -> bool:
    return answers(f"http://{at.host}:{at.port}/_internal/healthcheck")


def _redis(folder: Path, at: Address) -> Sequence[str]:
    require_packages(["redis-server"])
    options = ["--bind", at.host, "--port", str(at.port), "--dir", str(folder), "--save", "", "--appendonly", "no"]
    # The record of a process holds its command line, which must stay what it was.
    return ["redis-server", *options, "--requirepass", at.password, "--set-proc-title", "no"]


def _accepts(at: Address) -> bool:
    try:
        with socket.create_connection((at.host, at.port), timeout=1):
            return True
    except OSError:
        return False


def _postgres_folder() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise ClusterError("PostgreSQL's server is not installed: apt-get install postgresql")
    return found[-1].parent


def _postgres(folder: Path, at: Address) -> Sequence[str]:
    require_packages(["postgresql"])
    programs_ = _postgres_folder()
    password = folder / "password"
    password.write_text(at.password, encoding="ascii")
    _own(folder, "postgres")
    data = folder / "data"
    options = ["--username=trading", f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
    run([*as_user("postgres"), programs_ / "initdb", f"--pgdata={data}", *options, "--no-sync"], cwd=folder)
    password.unlink()
    with (data / "pg_hba.conf").open("a", encoding="ascii") as rules:
        rules.write("host all all 0.0.0.0/0 scram-sha-256\n")
    settings = {
        "listen_addresses": at.host,
        "port": str(at.port),
        "unix_socket_directories": str(folder),
        # Its data goes away with it.
        "fsync": "off",
        "max_connections": "200",
    }
    return [str(programs_ / "postgres"), "-D", str(data), *(f"--{key}={value}" for key, value in settings.items())]


def _postgres_ready(at: Address) -> bool:
    if not _accepts(at):
        return False
    try:
        run([_postgres_folder() / "pg_isready", "--quiet", f"--host={at.host}", f"--port={at.port}"])
    except ClusterError:
        return False
    return True


def as_user(user: str) -> list[str]:
    """Return the words before a command that make it another user's; none where we are that user or not root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]


def _own(folder: Path, user: str) -> None:
    if os.geteuid() == 0:
        entry = pwd.getpwnam(user)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, entry.pw_uid, entry.pw_gid)


# Killed, PostgreSQL would leave shared memory behind; asked politely, it would wait for its clients.
_FAST = Ending(int(signal.SIGINT), 5)
GCS = Kind("fake-gcs", _fake_gcs, _gcs_ready)
REDIS = Kind("redis", _redis, _accepts)
POSTGRES = Kind("postgres", _postgres, _postgres_ready, user="postgres", ending=_FAST)
_PORTS = {"fake-gcs": 4443, "redis": 6379, "postgres": 5432}


def of_cluster(kind: Kind, cluster: Cluster) -> Address:
    """Return the cluster's server of that kind, started if it does not run; it ends with the cluster."""
    records, logs = state_dir() / "processes", state_dir() / "logs"
    note = state_dir() / "servers" / f"{kind.name}.json"
    with locked(cache_dir() / "locks" / f"server-{kind.name}"):
        running = any(record.name == kind.name and process.alive(record) for record in process.load(records))
        if running and note.exists():
            return Address(**json.loads(note.read_text(encoding="utf-8")))
        folder = data_dir() / kind.name
        shutil.rmtree(folder, ignore_errors=True)
        # Another user's server has to be able to reach its own folder in it.
        data_dir().mkdir(mode=0o711, exist_ok=True)
        folder.mkdir()
        address = Address(cluster.service_address, _port(kind, cluster), secrets.token_hex(8))
        record = _start(kind, address, folder, records, logs)
        if cluster.description.provider == "local":
            cgroups.join(SYSTEM, record.pid)
        note.parent.mkdir(parents=True, exist_ok=True)
        note.touch(mode=0o600)
        note.write_text(json.dumps(asdict(address)), encoding="utf-8")
        return address


def _port(kind: Kind, cluster: Cluster) -> int:
    # The local cluster's addresses are its own; kind's gateway is shared with whatever else the machine serves.
    return _PORTS[kind.name] if cluster.description.provider == "local" else free_port(cluster.service_address)


@contextmanager
def fresh(kind: Kind, host: str = "127.0.0.1") -> Iterator[Address]:
    """Give an empty server of one's own on a free port; it ends with the block."""
    folder = Path(tempfile.mkdtemp(prefix=f"trading-{kind.name}-"))
    try:
        address = Address(host, free_port(host), secrets.token_hex(8))
        data = folder / "data"
        data.mkdir()
        folder.chmod(0o755)
        record = _start(kind, address, data, folder / "processes", folder / "logs")
        try:
            yield address
        finally:
            process.stop(record, records=folder / "processes")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(kind: Kind, address: Address, folder: Path, records: Path, logs: Path) -> process.Record:
    command = kind.prepare(folder, address)
    words = [*(as_user(kind.user) if kind.user else []), *command]
    record = process.start(
        kind.name, words, records=records, logs=logs, cwd=folder, becomes=command, ending=kind.ending
    )

    def ready() -> bool:
        process.ended_early(record, logs)
        return kind.ready(address)

    try:
        eventually(
            ready,
            f"{kind.name} at {address.host}:{address.port} ready (log: {logs / kind.name}.log)",
            within=30,
            failure=ClusterError,
        )
    except BaseException:
        process.stop(record, records=records)
        raise
    return record


def free_port(host: str) -> int:
    """Return a port on which nobody listens at the moment."""
    with socket.socket() as listener:
        listener.bind((host, 0))
        port: int = listener.getsockname()[1]
        return port
