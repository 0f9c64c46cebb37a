"""A PostgreSQL server of the test's own, on a unix socket in a folder of its own, stopped by its process."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tests.cluster.packages import require_packages

START_SECONDS = 60.0


class PostgresServer:
    """Use as a context manager; `url` answers inside, also after `restart` and `crash`."""

    def __init__(self) -> None:
        self._programs = find_programs()
        self._folder = Path(tempfile.mkdtemp(prefix="books-postgres-"))
        self._data = self._folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        # The server refuses to run as root.
        self._user = pwd.getpwnam("postgres").pw_uid if os.geteuid() == 0 else os.geteuid()
        os.chown(self._folder, self._user, -1)

    def __enter__(self) -> Self:
        try:
            self._run("initdb", "--pgdata", self._data, "--username", "postgres", "--auth", "trust", "--no-sync",
                      "--encoding", "UTF8", "--no-locale")  # fmt: skip
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(signal.SIGINT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self._folder}"

    def create(self, database: str, template: str = "template0") -> str:
        self.sql(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.url(database)

    def drop(self, database: str) -> None:
        self.sql(f'DROP DATABASE "{database}" WITH (FORCE)')

    def sql(self, statement: str) -> None:
        self.query("postgres", statement)

    def query(self, database: str, statement: str) -> str:
        """Run one statement and return what it gives, without decoration."""
        options = ("--username", "postgres", "--quiet", "--tuples-only", "--no-align", "--dbname", database)
        return self._run("psql", "--host", self._folder, *options, "--command", statement).strip()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Have the server and its connections answer nothing until the block ends."""
        assert self._process is not None
        frozen = list(_with_children(self._process.pid))
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)

    def start(self) -> None:
        command: list[str | Path] = [
            self._programs / "postgres", "-D", self._data, "-k", self._folder, "-c", "listen_addresses=",
            "-c", "shared_buffers=32MB", "-c", "max_connections=40",
        ]  # fmt: skip
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, user=self._user, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._folder / "server.log").read_text(errors="replace"))
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends connections and stops in order; SIGQUIT is a crash that the next start recovers from."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def _answers(self) -> bool:
        command: list[str | Path] = [self._programs / "pg_isready", "--quiet", "--host", self._folder]
        return subprocess.run(command, check=False).returncode == 0

    def _run(self, program: str, *arguments: str | Path) -> str:
        command: list[str | Path] = [self._programs / program, *arguments]
        done = subprocess.run(command, user=self._user, cwd=self._folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")
        return done.stdout


def find_programs() -> Path:
    """Return the folder with the newest server's programs, which Debian keeps out of PATH; installed where missing."""
    elsewhere = shutil.which("initdb")
    if elsewhere is None:
        require_packages(["postgresql"])
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return Path(versions[-1] if versions else elsewhere or "").resolve().parent


def _with_children(pid: int) -> Iterator[int]:
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from _with_children(int(child))
