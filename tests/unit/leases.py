"""Leases kept in memory that conflict as the API server's do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hooks.wait import Clock


class Leases:
    """`away` says that the API server cannot be reached."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.stored: dict[str, Any] | None = None
        self.version = 0
        self.gone: set[str] = set()
        self.away = False

    @property
    def holder(self) -> str:
        assert self.stored
        return str(self.stored["spec"]["holderIdentity"])

    def lease(self, name: str) -> dict[str, Any] | None:
        if self.away:
            raise ConnectionError("no route to host")
        return self.stored

    def take_lease(self, name: str, holder: str, seconds: int, current: Mapping[str, Any] | None) -> bool:
        if (current or {}).get("metadata") != (self.stored or {}).get("metadata"):
            return False
        self.version += 1
        spec = {"holderIdentity": holder, "leaseDurationSeconds": seconds, "renewTime": self.clock.now().isoformat()}
        self.stored = {"metadata": {"resourceVersion": str(self.version)}, "spec": spec}
        return True

    def pod_is_gone(self, name: str) -> bool:
        return name in self.gone

    def grow_old(self) -> None:
        assert self.stored
        self.stored["spec"]["renewTime"] = (self.clock.now() - timedelta(seconds=99)).isoformat()
