"""One hook at a time, on Leases kept in memory that conflict as the API server's do."""

from __future__ import annotations

import pytest

from hooks.kube import lease as lock
from hooks.kube.lease import Locked, hold_lease
from hooks.wait import Deadline
from tests.unit.clock import FakeClock
from tests.unit.leases import Leases


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def leases(clock: FakeClock) -> Leases:
    return Leases(clock)


@pytest.fixture
def at_once(clock: FakeClock) -> Deadline:
    return Deadline.after(0, clock)


def test_a_second_hook_is_told_who_is_at_work_and_the_lock_is_free_afterwards(
    leases: Leases, at_once: Deadline
) -> None:
    with (
        hold_lease(leases, "gluster-hook", "pod-1", at_once),
        pytest.raises(Locked, match="the pod pod-1, is at work on this release"),
        hold_lease(leases, "gluster-hook", "pod-2", at_once),
    ):
        pass
    with hold_lease(leases, "gluster-hook", "pod-2", at_once) as lost:
        assert leases.holder == "pod-2"
        assert not lost()


def test_a_hook_waits_for_another_until_its_deadline(clock: FakeClock, leases: Leases) -> None:
    with hold_lease(leases, "gluster-hook", "pod-1", Deadline.after(0, clock)):
        with (
            pytest.raises(Locked),
            hold_lease(leases, "gluster-hook", "pod-2", Deadline.after(30, clock)),
        ):
            pass
        assert clock.seconds == 1030


@pytest.mark.parametrize("death", ["its pod is gone", "it was not renewed"])
def test_the_lock_of_a_dead_hook_is_taken_over(leases: Leases, at_once: Deadline, death: str) -> None:
    leases.take_lease("gluster-hook", "pod-1", lock.SECONDS, None)
    if death == "its pod is gone":
        leases.gone.add("pod-1")
    else:
        leases.grow_old()
    with hold_lease(leases, "gluster-hook", "pod-2", at_once):
        assert leases.holder == "pod-2"


def test_a_hook_that_lost_its_lock_is_told(clock: FakeClock, leases: Leases, at_once: Deadline) -> None:
    with hold_lease(leases, "gluster-hook", "pod-1", at_once) as lost:
        clock.beat()
        assert not lost()
        leases.take_lease("gluster-hook", "thief", 30, leases.stored)
        clock.beat()
        assert lost()
    assert leases.holder == "thief", "another's lock is not released"


def test_a_hook_that_cannot_renew_its_lock_stops_before_another_may_take_it(
    clock: FakeClock, leases: Leases, at_once: Deadline
) -> None:
    with hold_lease(leases, "gluster-hook", "pod-1", at_once) as lost:
        clock.seconds += 39
        clock.beat()
        leases.away = True
        clock.seconds += 39
        clock.beat()
        assert not lost(), "an API server that is away for a moment stops nobody"
        clock.seconds += 2
        assert lost(), f"the Lease is another's after {lock.SECONDS} s, and nobody could say so"
        leases.away = False
