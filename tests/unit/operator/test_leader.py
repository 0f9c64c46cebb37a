"""Leader election: one at a time, by clocks that may differ, and no write after the term."""

from typing import Any

import pytest

from trading_operator.kube import errors
from trading_operator.kube.leader import LEASE_DURATION, RENEW_DEADLINE, LeaderElection
from trading_operator.objects import Manifest, ObjectRef


class Leases:
    """One Lease behind the three requests that an election makes."""

    def __init__(self) -> None:
        self.lease: Manifest | None = None
        self.version = 0
        self.down = False

    async def get(self, ref: ObjectRef) -> Manifest | None:
        del ref
        if self.down:
            raise errors.UnavailableError("no answer")
        return self.lease

    async def create(self, manifest: Manifest) -> Manifest:
        if self.lease is not None:
            raise errors.AlreadyExistsError("there is one")
        return self._put(manifest)

    async def replace(self, manifest: Manifest) -> Manifest:
        if manifest["metadata"]["resourceVersion"] != str(self.version):
            raise errors.ConflictError("has changed")
        return self._put(manifest)

    def _put(self, manifest: Manifest) -> Manifest:
        self.version += 1
        self.lease = manifest | {"metadata": manifest["metadata"] | {"resourceVersion": str(self.version)}}
        return self.lease


class Member:
    """A candidate with a clock of its own."""

    def __init__(self, leases: Leases, name: str) -> None:
        self.time = 100.0
        self.lost = False
        self.election = LeaderElection(
            leases,  # type: ignore[arg-type]  # the part of a Client that an election uses
            "system",
            "operator",
            identity=name,
            clock=lambda: self.time,
            on_lost=self._lose,
        )

    def _lose(self) -> None:
        self.lost = True

    async def attempt(self) -> bool:
        return await self.election._attempt()

    def may_write(self) -> bool:
        try:
            self.election.permit()
        except errors.NotLeadingError:
            return False
        return True


@pytest.fixture
def leases() -> Leases:
    return Leases()


def members(leases: Leases) -> tuple[Member, Member]:
    return Member(leases, "a"), Member(leases, "b")


async def test_the_first_leads_and_the_second_waits(leases: Leases) -> None:
    a, b = members(leases)
    assert await a.attempt()
    assert not await b.attempt()
    assert (a.may_write(), b.may_write()) == (True, False)


async def test_nobody_writes_before_a_first_success(leases: Leases) -> None:
    a, _ = members(leases)
    assert not a.may_write()


async def test_a_term_ends_by_the_clock_though_nobody_took_it(leases: Leases) -> None:
    a, _ = members(leases)
    await a.attempt()
    a.time += RENEW_DEADLINE - 0.1
    assert a.may_write()
    a.time += 0.2
    assert not a.may_write()


async def test_a_successor_waits_a_full_term_from_its_own_first_sight(leases: Leases) -> None:
    a, b = members(leases)
    await a.attempt()
    b.time = 10_000.0
    assert not await b.attempt()
    b.time += LEASE_DURATION - 0.1
    assert not await b.attempt()
    b.time += 0.2
    assert await b.attempt()
    assert b.may_write()
    a.time += LEASE_DURATION
    assert not a.may_write()


async def test_a_renewal_starts_the_wait_anew(leases: Leases) -> None:
    a, b = members(leases)
    await a.attempt()
    await b.attempt()
    b.time += LEASE_DURATION - 1
    a.time += 5
    await a.attempt()
    await b.attempt()
    b.time += 2
    assert not await b.attempt()


async def test_of_two_that_take_it_at_once_one_wins(leases: Leases) -> None:
    a, b = members(leases)
    await a.attempt()
    await a.election.release()
    stale = leases.lease
    assert stale is not None
    assert await b.attempt()
    with pytest.raises(errors.ConflictError):
        await leases.replace(stale)
    assert not await a.attempt()


async def test_a_released_lease_is_taken_at_once(leases: Leases) -> None:
    a, b = members(leases)
    await a.attempt()
    await a.election.release()
    assert not a.may_write()
    assert await b.attempt()
    assert leases.lease is not None
    assert leases.lease["spec"]["leaseTransitions"] == 2


async def test_a_leader_that_cannot_renew_ends_its_process(leases: Leases, monkeypatch: pytest.MonkeyPatch) -> None:
    a, _ = members(leases)
    await a.attempt()
    leases.down = True

    async def pass_time(seconds: float) -> None:
        a.time += seconds

    monkeypatch.setattr("trading_operator.kube.leader.asyncio.sleep", pass_time)
    await a.election.hold()
    assert a.lost
    assert not a.may_write()
    assert a.time <= 100.0 + RENEW_DEADLINE + 2.0


async def test_losing_it_to_another_ends_the_process(leases: Leases, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = members(leases)
    await a.attempt()
    await b.attempt()
    b.time += LEASE_DURATION + 1
    assert await b.attempt()

    async def no_time(_: Any) -> None:
        return

    monkeypatch.setattr("trading_operator.kube.leader.asyncio.sleep", no_time)
    await a.election.hold()
    assert a.lost
