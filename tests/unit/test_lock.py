"""One hook at a time, on Leases kept in memory that conflict as the API server's do."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hooks import lock
from hooks.lock import Locked, only_hook


class Leases:
    def __init__(self) -> None:
        self.stored: dict[str, Any] | None = None
        self.version = 0
        self.gone: set[str] = set()

    @property
    def holder(self) -> str:
        assert self.stored
        return str(self.stored["spec"]["holderIdentity"])

    def lease(self, name: str) -> dict[str, Any] | None:
        return self.stored

    def take_lease(self, name: str, holder: str, seconds: int, current: Mapping[str, Any] | None) -> bool:
        if (current or {}).get("metadata") != (self.stored or {}).get("metadata"):
            return False
        self.version += 1
        now = datetime.now(UTC).isoformat()
        spec = {"holderIdentity": holder, "leaseDurationSeconds": seconds, "renewTime": now}
        self.stored = {"metadata": {"resourceVersion": str(self.version)}, "spec": spec}
        return True

    def pod_is_gone(self, name: str) -> bool:
        return name in self.gone

    def grow_old(self) -> None:
        assert self.stored
        self.stored["spec"]["renewTime"] = (datetime.now(UTC) - timedelta(seconds=99)).isoformat()


def test_a_second_hook_is_told_who_is_at_work_and_the_lock_is_free_afterwards() -> None:
    leases = Leases()
    with (
        only_hook(leases, "gluster-hook", "pod-1", time.monotonic()),
        pytest.raises(Locked, match="the pod pod-1, is at work on this release"),
        only_hook(leases, "gluster-hook", "pod-2", time.monotonic()),
    ):
        pass
    with only_hook(leases, "gluster-hook", "pod-2", time.monotonic()) as lost:
        assert leases.holder == "pod-2"
        assert not lost.is_set()


@pytest.mark.parametrize("death", ["its pod is gone", "it was not renewed"])
def test_the_lock_of_a_dead_hook_is_taken_over(death: str) -> None:
    leases = Leases()
    leases.take_lease("gluster-hook", "pod-1", lock.SECONDS, None)
    if death == "its pod is gone":
        leases.gone.add("pod-1")
    else:
        leases.grow_old()
    with only_hook(leases, "gluster-hook", "pod-2", time.monotonic()):
        assert leases.holder == "pod-2"


def test_a_hook_that_lost_its_lock_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "SECONDS", 0.03)
    leases = Leases()
    with only_hook(leases, "gluster-hook", "pod-1", time.monotonic()) as lost:
        leases.stored = None
        leases.take_lease("gluster-hook", "thief", 30, None)
        assert lost.wait(5)
    assert leases.holder == "thief", "another's lock is not released"
