"""The real client: plain dicts over the official async client's connection, without its models."""

import json
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, NamedTuple
from urllib.parse import quote

import aiohttp
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from trading_api import wiring
from trading_operator.kube import errors
from trading_operator.kube.json_patch import json_patch
from trading_operator.objects import Json, Kind, Manifest, ObjectRef, kind_of, name_of, resource_version_of

REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=5)
_JSON = "application/json"
_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_JSON_PATCH = "application/json-patch+json"
_GONE, _TOO_MANY, _UNPROCESSABLE = 404, 429, 422


NO_ANSWER = 0


class Call(NamedTuple):
    """One request, for the metrics."""

    verb: str
    resource: str
    status: int
    """HTTP status of the answer; NO_ANSWER where none came: a write may have been done all the same."""
    seconds: float


async def connect() -> ApiClient:
    """Return a connection with the pod's service account, or with the kubeconfig outside of a cluster."""
    configuration = Configuration()
    # Else the environment's proxies and ~/.netrc are looked up, in a thread, for each request.
    configuration.client_session_kwargs = {"trust_env": False}
    try:
        load_incluster_config(client_configuration=configuration)
    except ConfigException:
        await load_kube_config(client_configuration=configuration)
    client = ApiClient(configuration)
    client.user_agent = "trading-operator"
    return client


class ApiServer:
    """A :class:`~trading_operator.kube.client.Client` of a real API server.

    ``permit`` is called right before each write and raises NotLeadingError when this process may not write any more.
    """

    def __init__(
        self,
        connection: ApiClient,
        *,
        permit: Callable[[], None] = lambda: None,
        observe: Callable[[Call], None] = lambda _: None,
    ) -> None:
        self._connection = connection
        self._permit = permit
        self._observe = observe

    async def get(self, ref: ObjectRef) -> Manifest | None:
        """Return an object; None where there is none."""
        try:
            return await self._call("get", ref.kind, ref.namespace, ref.name)
        except errors.NotFoundError:
            return None

    async def list(
        self,
        kind: Kind,
        namespace: str,
        *,
        labels: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Sequence[Manifest]:
        """Return the objects of a kind whose labels and fields have these values."""
        query = {"labelSelector": _selector(labels), "fieldSelector": _selector(fields)}
        answer = await self._call("list", kind, namespace, query={key: value for key, value in query.items() if value})
        named = {"apiVersion": kind.api_version, "kind": kind.name}
        return [_trimmed(named | item) for item in answer.get("items") or ()]

    async def create(self, manifest: Manifest) -> Manifest:
        """Create an object; raise AlreadyExistsError where there is one of its name."""
        return await self._write("create", manifest, name="", query={"fieldManager": wiring.FIELD_MANAGER_OPERATOR})

    async def apply(self, manifest: Manifest) -> Manifest:
        """Apply an object on the server, by force, as the operator's field manager."""
        query = {"fieldManager": wiring.FIELD_MANAGER_OPERATOR, "force": "true"}
        return await self._write("apply", manifest, query=query)

    async def replace(self, manifest: Manifest) -> Manifest:
        """Replace the object of this uid and resourceVersion; raise ConflictError where it is another by now."""
        return await self._write("update", manifest, query={"fieldManager": wiring.FIELD_MANAGER_OPERATOR})

    async def decide(self, live: Manifest, wanted: Manifest) -> Manifest:
        """Change spec and annotations of the object of this uid, generation and annotations, whatever its status is."""
        query = {"fieldManager": wiring.FIELD_MANAGER_OPERATOR}
        try:
            return await self._write("patch", live, body=json_patch(live, wanted), query=query, content=_JSON_PATCH)
        except errors.PatchRefusedError as error:
            raise errors.ConflictError(f"{error} (it is not as it was)", error.status) from error

    async def set_finalizers(self, manifest: Manifest, finalizers: Sequence[str]) -> Manifest:
        """Set the finalizers of the object of this uid and resourceVersion."""
        return await self._patch_metadata(manifest, {"finalizers": [*finalizers]})

    async def annotate(self, manifest: Manifest, annotations: Mapping[str, str]) -> Manifest:
        """Set annotations of the object of this uid and resourceVersion."""
        return await self._patch_metadata(manifest, {"annotations": {**annotations}})

    async def _patch_metadata(self, manifest: Manifest, changes: Manifest) -> Manifest:
        # No two objects ever have one resourceVersion; beside it, another uid would count as an attempt to change it.
        metadata = {"resourceVersion": resource_version_of(manifest), **changes}
        query = {"fieldManager": wiring.FIELD_MANAGER_OPERATOR}
        return await self._write("patch", manifest, body={"metadata": metadata}, query=query)

    async def delete(self, ref: ObjectRef, uid: str, resource_version: str) -> None:
        """Delete the object of this uid and resourceVersion in the background; one that is gone is fine."""
        self._permit()
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": preconditions,
            "propagationPolicy": "Background",
        }
        try:
            await self._call("delete", ref.kind, ref.namespace, ref.name, body=options)
        except errors.NotFoundError:
            return

    async def apply_status(self, manifest: Manifest) -> Manifest:
        """Apply the status of the object of this uid and resourceVersion, only the fields that are given."""
        query = {"fieldManager": wiring.FIELD_MANAGER_OPERATOR, "force": "true"}
        return await self._write("apply", manifest, query=query, subresource="/status")

    async def serves(self, kind: Kind) -> bool:
        """Tell whether the API server knows the kind."""
        status, answer = await self._send("GET", kind.prefix, {}, None, _JSON)
        known = status < 300 and any(resource["name"] == kind.plural for resource in answer.get("resources") or ())
        return bool(known)

    async def _write(
        self,
        verb: str,
        manifest: Manifest,
        *,
        query: Mapping[str, str],
        name: str | None = None,
        body: Json = None,
        subresource: str = "",
        content: str = "",
    ) -> Manifest:
        self._permit()
        kind, namespace = kind_of(manifest), manifest["metadata"].get("namespace", "")
        target = name_of(manifest) if name is None else name
        return await self._call(
            verb, kind, namespace, target + subresource, query=query, body=body or manifest, content=content
        )

    async def _call(
        self,
        verb: str,
        kind: Kind,
        namespace: str,
        name: str = "",
        *,
        query: Mapping[str, str] | None = None,
        body: Json = None,
        content: str = "",
    ) -> Manifest:
        method, usual = _METHODS[verb]
        begun, status = perf_counter(), NO_ANSWER
        try:
            status, answer = await self._send(method, kind.path(namespace, name), query or {}, body, content or usual)
        finally:
            resource = kind.plural + ("/status" if name.endswith("/status") else "")
            self._observe(Call(verb, resource, status, perf_counter() - begun))
        if status >= 300:
            raise _error(status, answer, f"{verb} {kind} {namespace}/{name}")
        return _trimmed(answer)

    async def _send(
        self, method: str, path: str, query: Mapping[str, str], body: Json, content_type: str
    ) -> tuple[int, Manifest]:
        """Send one request; return the status and the answer's JSON."""
        method, url, headers, _, _ = await self._connection.param_serialize(
            method,
            quote(path),
            query_params=list(query.items()),
            header_params={"Accept": _JSON, "Content-Type": content_type},
            auth_settings=["BearerToken"],
        )
        try:
            response = await self._connection.call_api(method, url, headers, body, _request_timeout=REQUEST_TIMEOUT)
            content = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as failure:
            raise errors.UnavailableError(f"{method} {path}: {str(failure) or type(failure).__name__}") from failure
        return response.status, _parsed(content)


_METHODS = {
    "get": ("GET", _JSON),
    "list": ("GET", _JSON),
    "create": ("POST", _JSON),
    "update": ("PUT", _JSON),
    "apply": ("PATCH", _APPLY),
    "patch": ("PATCH", _MERGE),
    "delete": ("DELETE", _JSON),
}


def _selector(values: Mapping[str, str] | None) -> str:
    return ",".join(f"{key}={value}" for key, value in (values or {}).items())


def _parsed(content: bytes) -> Manifest:
    try:
        parsed = json.loads(content)
    except ValueError:
        return {"message": content[:500].decode(errors="replace").strip()}
    return parsed if isinstance(parsed, dict) else {}


def _trimmed(manifest: Manifest) -> Manifest:
    """Drop the book-keeping of field managers: it is most of an object's size, and nobody here reads it."""
    manifest.get("metadata", {}).pop("managedFields", None)
    return manifest


_ERRORS: Mapping[str, type[errors.ApiError]] = {
    "AlreadyExists": errors.AlreadyExistsError,
    "BadRequest": errors.InvalidError,
    "Conflict": errors.ConflictError,
    "Forbidden": errors.ForbiddenError,
    "Invalid": errors.InvalidError,
    "NotFound": errors.NotFoundError,
}


def _error(status: int, answer: Mapping[str, Any], what: str) -> errors.ApiError:
    details = answer.get("details") or {}
    kind = _ERRORS.get(answer.get("reason", ""), errors.ApiError)
    if status == _GONE and not details.get("name"):
        # An unknown kind is answered without the name of an object: it says nothing about the object.
        kind = errors.NotServedError
    elif any(cause.get("reason") == "NamespaceTerminating" for cause in details.get("causes") or ()):
        kind = errors.NamespaceTerminatingError
    elif status >= 500 or status == _TOO_MANY:
        kind = errors.UnavailableError
    elif status == _UNPROCESSABLE:
        # A patch that does not fit what is there is answered without the name of an object, too.
        kind = errors.InvalidError if details.get("name") else errors.PatchRefusedError
    return kind(f"{what}: {answer.get('message') or status}", status)
