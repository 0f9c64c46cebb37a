"""The client against an HTTP server on loopback: what it sends, and what it makes of each answer."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from trading_operator.kube import errors
from trading_operator.kube.api_server import NO_ANSWER, ApiServer, Call
from trading_operator.objects import CONFIG_MAP, STATEFUL_SET, TRADING_DEPLOYMENT, Manifest, ObjectRef

CM = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "a", "namespace": "desk", "uid": "u", "resourceVersion": "7"},
}
REF = ObjectRef(CONFIG_MAP, "desk", "a")


class Server:
    """Answers what it is told to and remembers what it was asked."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, str, dict[str, str], Any]] = []
        self.status = 200
        self.answer: Any = {}

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.text()
        content_type = request.headers.get("Content-Type", "")
        self.requests.append(
            (request.method, request.path, content_type, dict(request.query), json.loads(body) if body else None)
        )
        return web.Response(
            status=self.status,
            text=self.answer if isinstance(self.answer, str) else json.dumps(self.answer),
            content_type="application/json",
        )

    def refuse(self, status: int, reason: str, **details: Any) -> None:
        self.status = status
        self.answer = {"kind": "Status", "status": "Failure", "reason": reason, "message": "why", "details": details}


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def connect(server: Server) -> AsyncIterator[Callable[..., ApiServer]]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    connection = ApiClient(Configuration(host=f"http://{host}:{port}"))
    yield lambda **options: ApiServer(connection, **options)
    await connection.close()
    await runner.cleanup()


async def test_requests_are_what_kubernetes_expects(connect: Callable[..., ApiServer], server: Server) -> None:
    client = connect()
    server.answer = CM
    await client.create(CM)
    await client.apply(CM)
    await client.replace(CM)
    await client.set_finalizers(CM, ["a/b"])
    await client.apply_status(CM | {"status": {}})
    await client.delete(REF, "u", "7")
    manager = {"fieldManager": "trading-operator"}
    forced = manager | {"force": "true"}
    path = "/api/v1/namespaces/desk/configmaps"
    locked = {"uid": "u", "resourceVersion": "7"}
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": locked, "propagationPolicy": "Background"}
    assert server.requests == [
        ("POST", path, "application/json", manager, CM),
        ("PATCH", f"{path}/a", "application/apply-patch+yaml", forced, CM),
        ("PUT", f"{path}/a", "application/json", manager, CM),
        (
            "PATCH",
            f"{path}/a",
            "application/merge-patch+json",
            manager,
            {"metadata": {"resourceVersion": "7", "finalizers": ["a/b"]}},
        ),
        ("PATCH", f"{path}/a/status", "application/apply-patch+yaml", forced, CM | {"status": {}}),
        ("DELETE", f"{path}/a", "application/json", {}, options),
    ]


async def test_a_decision_is_checked_by_the_server_against_what_it_was_made_on(
    connect: Callable[..., ApiServer], server: Server
) -> None:
    live: Manifest = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "a", "namespace": "desk", "uid": "u", "resourceVersion": "7", "generation": 3},
        "spec": {"replicas": 0, "template": {}, "ordinals": {"start": 1}},
    }
    wanted = live | {
        "metadata": live["metadata"] | {"annotations": {"a/b": "c"}},
        "spec": {"replicas": 1, "template": {}},
    }
    server.answer = live
    await connect().decide(live, wanted)
    ((method, path, content_type, query, operations),) = server.requests
    assert (method, path) == ("PATCH", "/apis/apps/v1/namespaces/desk/statefulsets/a")
    assert (content_type, query) == ("application/json-patch+json", {"fieldManager": "trading-operator"})
    assert operations == [
        {"op": "test", "path": "/metadata/uid", "value": "u"},
        {"op": "test", "path": "/metadata/generation", "value": 3},
        {"op": "test", "path": "/metadata/annotations", "value": None},
        {"op": "add", "path": "/metadata/annotations", "value": {"a/b": "c"}},
        {"op": "remove", "path": "/spec/ordinals"},
        {"op": "add", "path": "/spec/replicas", "value": 1},
    ]
    server.refuse(422, "Invalid")  # as a test that fails is answered
    with pytest.raises(errors.ConflictError):
        await connect().decide(live, wanted)
    server.refuse(422, "Invalid", name="a", causes=[{"field": "spec.replicas"}])
    with pytest.raises(errors.InvalidError):
        await connect().decide(live, wanted)


async def test_lists_ask_by_label_and_say_what_they_hold(connect: Callable[..., ApiServer], server: Server) -> None:
    server.answer = {"items": [{"metadata": {"name": "a", "managedFields": [1]}}]}
    found = await connect().list(STATEFUL_SET, "desk", labels={"a": "b", "c": "d"}, fields={"e": "f"})
    assert found == [{"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "a"}}]
    _, path, _, query, _ = server.requests[0]
    assert path == "/apis/apps/v1/namespaces/desk/statefulsets"
    assert query == {"labelSelector": "a=b,c=d", "fieldSelector": "e=f"}


REFUSALS: list[tuple[int, str, dict[str, Any], type[errors.ApiError]]] = [
    (409, "Conflict", {}, errors.ConflictError),
    (409, "AlreadyExists", {"name": "a"}, errors.AlreadyExistsError),
    (404, "NotFound", {"name": "a"}, errors.NotFoundError),
    (404, "NotFound", {}, errors.NotServedError),
    (422, "Invalid", {"name": "a"}, errors.InvalidError),
    (422, "Invalid", {}, errors.PatchRefusedError),
    (400, "BadRequest", {}, errors.InvalidError),
    (403, "Forbidden", {}, errors.ForbiddenError),
    (403, "Forbidden", {"causes": [{"reason": "NamespaceTerminating"}]}, errors.NamespaceTerminatingError),
    (429, "TooManyRequests", {}, errors.UnavailableError),
    (500, "InternalError", {}, errors.UnavailableError),
    (503, "ServiceUnavailable", {}, errors.UnavailableError),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda one: f"{one[0]}-{one[3].__name__}")
async def test_each_refusal_has_its_error(
    connect: Callable[..., ApiServer], server: Server, refusal: tuple[int, str, dict[str, Any], type[errors.ApiError]]
) -> None:
    status, reason, details, error = refusal
    server.refuse(status, reason, **details)
    with pytest.raises(error, match="why") as raised:
        await connect().replace(CM)
    assert type(raised.value) is error
    assert "ConfigMap desk/a" in str(raised.value)


async def test_what_is_not_there_is_none_to_a_reader_and_fine_to_a_deleter(
    connect: Callable[..., ApiServer], server: Server
) -> None:
    server.refuse(404, "NotFound", name="a")
    assert await connect().get(REF) is None
    await connect().delete(REF, "u", "7")


async def test_a_kind_that_is_not_served_says_nothing_about_objects(
    connect: Callable[..., ApiServer], server: Server
) -> None:
    server.status, server.answer = 404, "404 page not found"
    with pytest.raises(errors.NotServedError):
        await connect().get(REF)
    assert not await connect().serves(TRADING_DEPLOYMENT)
    server.status, server.answer = 200, {"resources": [{"name": "tradingdeployments"}]}
    assert await connect().serves(TRADING_DEPLOYMENT)


async def test_nothing_is_written_without_the_lease(connect: Callable[..., ApiServer], server: Server) -> None:
    def refuse() -> None:
        raise errors.NotLeadingError("not ours")

    client = connect(permit=refuse)
    writes: list[Any] = [
        client.create(CM),
        client.apply(CM),
        client.replace(CM),
        client.decide({**CM, "spec": {}}, {**CM, "spec": {}}),
        client.set_finalizers(CM, []),
        client.delete(REF, "u", "7"),
        client.apply_status(CM),
    ]
    for write in writes:
        with pytest.raises(errors.NotLeadingError):
            await write
    assert server.requests == []
    server.answer = CM
    assert await client.get(REF) == CM


async def test_requests_are_counted_by_verb_resource_and_answer(
    connect: Callable[..., ApiServer], server: Server
) -> None:
    calls: list[Call] = []
    client = connect(observe=calls.append)
    server.answer = CM
    await client.apply_status(CM)
    server.refuse(409, "Conflict")
    with pytest.raises(errors.ConflictError):
        await client.replace(CM)
    assert [(one.verb, one.resource, one.status) for one in calls] == [
        ("apply", "configmaps/status", 200),
        ("update", "configmaps", 409),
    ]


async def test_a_server_that_is_away_is_unavailable_and_what_it_does_not_answer_is_counted() -> None:
    calls: list[Call] = []
    connection = ApiClient(Configuration(host="http://127.0.0.1:1"))
    try:
        client = ApiServer(connection, observe=calls.append)
        with pytest.raises(errors.UnavailableError):
            await client.get(REF)
        with pytest.raises(errors.UnavailableError):
            await client.replace(CM)
    finally:
        await connection.close()
    assert [(one.verb, one.resource, one.status) for one in calls] == [
        ("get", "configmaps", NO_ANSWER),
        ("update", "configmaps", NO_ANSWER),
    ]
