"""One hook at a time, on Leases kept in memory that conflict as the API server's do."""

from __future__ import annotations

import time

import pytest

from hooks.kube import lease as lock
from hooks.kube.lease import Locked, hold_lease
from tests.unit.leases import Beats, Leases


def test_a_second_hook_is_told_who_is_at_work_and_the_lock_is_free_afterwards() -> None:
    leases = Leases()
    with (
        hold_lease(leases, "gluster-hook", "pod-1", time.monotonic()),
        pytest.raises(Locked, match="the pod pod-1, is at work on this release"),
        hold_lease(leases, "gluster-hook", "pod-2", time.monotonic()),
    ):
        pass
    with hold_lease(leases, "gluster-hook", "pod-2", time.monotonic()) as lost:
        assert leases.holder == "pod-2"
        assert not lost()


@pytest.mark.parametrize("death", ["its pod is gone", "it was not renewed"])
def test_the_lock_of_a_dead_hook_is_taken_over(death: str) -> None:
    leases = Leases()
    leases.take_lease("gluster-hook", "pod-1", lock.SECONDS, None)
    if death == "its pod is gone":
        leases.gone.add("pod-1")
    else:
        leases.grow_old()
    with hold_lease(leases, "gluster-hook", "pod-2", time.monotonic()):
        assert leases.holder == "pod-2"


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def beats(monkeypatch: pytest.MonkeyPatch) -> Beats:
    beats = Beats()
    monkeypatch.setattr(lock, "threading", beats)
    return beats


def test_a_hook_that_lost_its_lock_is_told(beats: Beats) -> None:
    leases = Leases()
    with hold_lease(leases, "gluster-hook", "pod-1", time.monotonic()) as lost:
        beats.beat()
        assert not lost()
        leases.take_lease("gluster-hook", "thief", 30, leases.stored)
        beats.beat()
        assert lost()
    assert leases.holder == "thief", "another's lock is not released"


def test_a_hook_that_cannot_renew_its_lock_stops_before_another_may_take_it(
    beats: Beats, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases, clock = Leases(), Clock()
    monkeypatch.setattr(lock, "time", clock)
    with hold_lease(leases, "gluster-hook", "pod-1", clock.seconds) as lost:
        clock.seconds += 39
        beats.beat()
        leases.away = True
        clock.seconds += 39
        beats.beat()
        assert not lost(), "an API server that is away for a moment stops nobody"
        clock.seconds += 2
        assert lost(), f"the Lease is another's after {lock.SECONDS} s, and nobody could say so"
        leases.away = False
