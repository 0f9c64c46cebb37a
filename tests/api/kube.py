"""An API server as the tests speak to it: plain objects in and out, refusals as exceptions with their causes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

from kubernetes import client, config

type Object = dict[str, Any]

GROUP_PATH = "/apis/trading-operator.io/v1alpha1"


class Cause(NamedTuple):
    """One reason of a refusal."""

    field: str
    message: str


class Refused(Exception):  # noqa: N818  # reads as what it is where it is expected
    """The API server refused a request."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(body.get("message"))
        self.status = status
        self.message = str(body.get("message"))
        causes = body.get("details", {}).get("causes", ())
        self.causes = [Cause(cause["field"], cause["message"]) for cause in causes if "field" in cause]


class Kube:
    """Requests to one API server as one user."""

    def __init__(self, api: client.ApiClient, host: str) -> None:
        self._api = api
        self._host = host

    @classmethod
    def as_admin(cls, kubeconfig: Path) -> Self:
        """Connect as the user of a kubeconfig."""
        settings = client.Configuration()
        config.load_kube_config(str(kubeconfig), client_configuration=settings)
        return cls(client.ApiClient(settings), settings.host)

    @classmethod
    def as_bearer(cls, url: str, ca_file: Path, token: str) -> Self:
        """Connect with a token."""
        settings = client.Configuration(host=url)
        settings.ssl_ca_cert = str(ca_file)
        return cls(client.ApiClient(settings, "Authorization", f"Bearer {token}"), url)

    def request(
        self, method: str, path: str, body: Object | None = None, *, content: str = "application/json"
    ) -> Object:
        """Send one request; raise Refused unless it succeeds."""
        headers = {"Accept": "application/json", "Content-Type": content, **self._api.default_headers}
        response = self._api.call_api(method, self._host + path, header_params=headers, body=body)
        answer: Object = json.loads(response.read() or "{}")
        if not 200 <= response.status < 300:
            raise Refused(response.status, answer)
        return answer

    def create(self, path: str, body: Object, *, dry_run: bool = False, validation: str = "Strict") -> Object:
        """Create an object; with ``dry_run`` the server checks and answers, and stores nothing."""
        query = f"?fieldValidation={validation}" + ("&dryRun=All" if dry_run else "")
        return self.request("POST", path + query, body)

    def apply(self, path: str, body: Object, *, manager: str, force: bool = False) -> Object:
        """Apply an object on the server."""
        query = f"?fieldManager={manager}&force={str(force).lower()}&fieldValidation=Strict"
        return self.request("PATCH", path + query, body, content="application/apply-patch+yaml")

    def merge(self, path: str, body: Object) -> Object:
        """Merge a patch into an object."""
        return self.request("PATCH", path, body, content="application/merge-patch+json")

    def get(self, path: str) -> Object:
        """Read an object."""
        return self.request("GET", path)

    def delete(self, path: str) -> None:
        """Delete an object."""
        self.request("DELETE", path)


def deployments_path(namespace: str, name: str = "") -> str:
    """Path of the TradingDeployments of a namespace, or of one."""
    return f"{GROUP_PATH}/namespaces/{namespace}/tradingdeployments" + (f"/{name}" if name else "")
