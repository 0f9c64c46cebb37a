"""Plans of the ledger test: one seed one plan, every fault one that the venue takes, everything bounded."""

import dataclasses

import pytest

from tests.ledger.plan import Do, End, Plan, World, make_plan
from tests.ledger.rooms import ROOMS
from tests.venue.faults import Action, Fault

ALL = World(database=True, redis=True, garble=True)
SEEDS = range(12)


def plans(room: str) -> list[Plan]:
    return [make_plan(seed, ROOMS[room], 10, ALL) for seed in SEEDS]


@pytest.mark.parametrize("room", ROOMS)
def test_a_seed_decides_everything(room: str) -> None:
    assert plans(room) == plans(room)
    assert len({repr(plan.lives) for plan in plans(room)}) == len(SEEDS)


@pytest.mark.parametrize("room", ROOMS)
def test_every_fault_is_one_that_the_venue_takes_and_that_ends(room: str) -> None:
    actions = set()
    for plan in plans(room):
        for life in plan.lives:
            for step in (*life.starting, *life.trading):
                if step.do is Do.FAULT:
                    actions.add(Fault.from_json(dict(step.details)).action)
                    assert 0 < step.for_s <= 2.5
    assert actions == set(Action)


def test_kills_of_every_kind_come_to_the_number_asked_for() -> None:
    drawn = plans("futures")
    assert {plan.kills for plan in drawn} == {10}
    assert {life.end for plan in drawn for life in plan.lives} == set(End)
    assert all(plan.lives[0].end is End.KILL_TRADING for plan in drawn)


def test_the_venues_words_are_garbled_only_on_demand() -> None:
    lives = [life for seed in SEEDS for life in make_plan(seed, ROOMS["okx"], 10, World()).lives]
    assert "garble" not in {step.details.get("action") for life in lives for step in life.trading}


def test_only_servers_that_are_there_go_away() -> None:
    def done(servers: World) -> set[Do]:
        lives = [life for seed in SEEDS for life in make_plan(seed, ROOMS["futures"], 10, servers).lives]
        return {step.do for life in lives for step in (*life.starting, *life.trading, *life.absent)}

    assert done(ALL) == set(Do)
    assert done(World(redis=True)) == set(Do) - {Do.DATABASE}
    assert done(World()) == set(Do) - {Do.DATABASE, Do.REDIS}


def test_steps_come_in_order_and_do_not_depend_on_how_many_lives_follow() -> None:
    for seed in SEEDS:
        longer, shorter = (make_plan(seed, ROOMS["okx"], kills, ALL) for kills in (6, 3))
        assert longer.lives[: len(shorter.lives)] == shorter.lives
        for life in longer.lives:
            moments = [step.at_s for step in life.trading]
            assert moments == sorted(moments)
            assert dataclasses.astuple(life)
