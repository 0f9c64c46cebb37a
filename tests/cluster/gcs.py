"""Buckets of the Google Cloud Storage emulator."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from tests.cluster.cluster import Cluster
from tests.cluster.errors import ClusterError
from tests.cluster.servers import GCS, Address, fresh, of_cluster


class Gcs:
    """A client of the emulator."""

    def __init__(self, address: Address) -> None:
        self.address = address
        # The machine's proxy has nothing to do with it.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @classmethod
    def of(cls, cluster: Cluster) -> Self:
        """Return the cluster's emulator, started on first use."""
        return cls(of_cluster(GCS, cluster))

    @classmethod
    @contextmanager
    def fresh(cls) -> Iterator[Self]:
        """Give an empty emulator on loopback, which ends with the block."""
        with fresh(GCS) as address:
            yield cls(address)

    @property
    def url(self) -> str:
        """`http://HOST:PORT`."""
        return f"http://{self.address.host}:{self.address.port}"

    @property
    def endpoint(self) -> str:
        """What gcsfuse's `--custom-endpoint` wants, and with it the chart's `gcsfuse.endpoint`."""
        return f"{self.url}/storage/v1/"

    def create_bucket(self, name: str) -> None:
        """Create a bucket; one that is there stays as it is."""
        body = json.dumps({"name": name}).encode()
        try:
            self._send("POST", "/storage/v1/b?project=test", body, "application/json")
        except RefusedError as refused:
            if refused.status != 409:
                raise

    def has_bucket(self, name: str) -> bool:
        """Tell whether a bucket is there."""
        try:
            self._send("GET", f"/storage/v1/b/{name}")
        except RefusedError as refused:
            if refused.status != 404:
                raise
            return False
        return True

    def delete_bucket(self, name: str) -> None:
        """Delete a bucket with everything in it."""
        for item in self.objects(name):
            self.delete(name, item)
        self._send("DELETE", f"/storage/v1/b/{name}")

    def delete(self, bucket: str, name: str) -> None:
        """Delete one object."""
        self._send("DELETE", f"/storage/v1/b/{bucket}/o/{urllib.parse.quote(name, safe='')}")

    def upload(self, bucket: str, name: str, content: bytes) -> None:
        """Store one object."""
        query = urllib.parse.urlencode({"uploadType": "media", "name": name})
        self._send("POST", f"/upload/storage/v1/b/{bucket}/o?{query}", content, "application/octet-stream")

    def upload_folder(self, bucket: str, folder: Path, prefix: str = "") -> list[str]:
        """Make what is below PREFIX/ in the bucket, or in all of it, exactly the folder, and return the names.

        The bucket is created where there is none. What an earlier upload left there goes: a catalog would hold both.
        """
        self.create_bucket(bucket)
        below = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        files = {
            below + path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()
        }
        for name in sorted(set(self.objects(bucket, below)) - files.keys()):
            self.delete(bucket, name)
        for name, file in files.items():
            self.upload(bucket, name, file.read_bytes())
        return list(files)

    def objects(self, bucket: str, prefix: str = "") -> list[str]:
        """Return the names of the bucket's objects."""
        names: list[str] = []
        token = ""
        while True:
            query = urllib.parse.urlencode({"prefix": prefix, "pageToken": token})
            page: dict[str, Any] = json.loads(self._send("GET", f"/storage/v1/b/{bucket}/o?{query}"))
            names += [item["name"] for item in page.get("items", [])]
            token = page.get("nextPageToken", "")
            if not token:
                return names

    def download(self, bucket: str, name: str) -> bytes:
        """Return an object's content."""
        return self._send("GET", f"/storage/v1/b/{bucket}/o/{urllib.parse.quote(name, safe='')}?alt=media")

    def _send(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> bytes:
        headers = {"Content-Type": kind} if kind else {}
        request = urllib.request.Request(self.url + path, data=body, method=method, headers=headers)  # noqa: S310
        try:
            with self._opener.open(request, timeout=60) as response:
                content: bytes = response.read()
                return content
        except urllib.error.HTTPError as error:
            with error:
                raise RefusedError(method, path, error.code, error.read().decode(errors="replace")) from error
        except OSError as error:
            raise ClusterError(f"the GCS emulator at {self.url} does not answer {method} {path}: {error}") from error


class RefusedError(ClusterError):
    def __init__(self, method: str, path: str, status: int, text: str) -> None:
        super().__init__(f"the GCS emulator answered {method} {path} with {status}: {text.strip()[:300]}")
        self.status = status
