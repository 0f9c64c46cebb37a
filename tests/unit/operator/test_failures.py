"""Events that tell of failures: read for a whole namespace at once."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from tests.sim.operators import SimClient
from tests.sim.store import Clock, Store
from trading_operator.failures import TRUSTED_FOR, Failures
from trading_operator.objects import CORE_EVENT, Kind, Manifest

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def pod(uid: str, namespace: str = "desk") -> Manifest:
    return {"metadata": {"namespace": namespace, "uid": uid}}


def event(uid: str, second: int, message: str) -> Manifest:
    return {"involvedObject": {"uid": uid}, "lastTimestamp": f"2026-01-01T00:00:{second:02}Z", "message": message}


class Client(SimClient):
    """Knows Events, and counts who asks for them."""

    def __init__(self) -> None:
        super().__init__(Store(Clock()), Random(1))
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.by_reason: dict[str, list[Manifest]] = {}
        self.events: list[Manifest] = [event("a", 9, "new"), event("a", 1, "old"), event("b", 5, "other")]

    async def list(
        self,
        kind: Kind,
        namespace: str,
        *,
        labels: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Sequence[Manifest]:
        assert (kind, labels) == (CORE_EVENT, None)
        assert fields is not None
        self.asked.append((namespace, fields))
        await asyncio.sleep(0)
        return self.by_reason.get(fields["reason"], self.events)


@pytest.fixture
def client() -> Client:
    return Client()


async def test_the_newest_event_of_each_object_counts(client: Client) -> None:
    failures = Failures(client)
    assert [await failures.latest(pod(uid), "FailedMount", NOW) for uid in "abc"] == ["new", "other", ""]


async def test_what_is_over_is_no_news(client: Client) -> None:
    """A pod was refused, then made; that it is gone now is no refusal."""
    refused = [event("a", 9, "refused"), event("b", 9, "refused"), event("c", 9, "refused"), event("d", 9, "refused")]
    made = [event("a", 10, "made"), event("b", 9, "made"), event("c", 8, "made")]
    client.by_reason = {"FailedCreate": refused, "SuccessfulCreate": made}
    failures = Failures(client)
    said = [await failures.latest(pod(uid), "FailedCreate", NOW, over="SuccessfulCreate") for uid in "abcd"]
    assert said == ["", "", "refused", "refused"]
    assert len(client.asked) == 2


async def test_many_that_ask_at_once_are_answered_by_one_reading(client: Client) -> None:
    failures = Failures(client)
    await asyncio.gather(*(failures.latest(pod(str(number)), "FailedMount", NOW) for number in range(1000)))
    assert client.asked == [("desk", {"reason": "FailedMount"})]


async def test_each_namespace_and_reason_has_a_reading_of_its_own(client: Client) -> None:
    failures = Failures(client)
    await failures.latest(pod("a"), "FailedMount", NOW)
    await failures.latest(pod("a"), "FailedCreate", NOW)
    await failures.latest(pod("a", "other"), "FailedMount", NOW)
    assert len(client.asked) == 3


@pytest.mark.parametrize("later", [TRUSTED_FOR, -timedelta(hours=1)])
async def test_what_was_read_is_not_believed_for_long(client: Client, later: timedelta) -> None:
    """Nor after the clock was set back."""
    failures = Failures(client)
    await failures.latest(pod("a"), "FailedMount", NOW)
    client.events = [event("a", 30, "newer")]
    assert await failures.latest(pod("a"), "FailedMount", NOW + later) == "newer"
