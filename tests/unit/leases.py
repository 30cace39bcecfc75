"""Leases kept in memory that conflict as the API server's do, and renewers that work when they are told to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any


class Leases:
    """`away` says that the API server cannot be reached."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.now = now
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
        spec = {"holderIdentity": holder, "leaseDurationSeconds": seconds, "renewTime": self.now().isoformat()}
        self.stored = {"metadata": {"resourceVersion": str(self.version)}, "spec": spec}
        return True

    def pod_is_gone(self, name: str) -> bool:
        return name in self.gone

    def grow_old(self) -> None:
        assert self.stored
        self.stored["spec"]["renewTime"] = (self.now() - timedelta(seconds=99)).isoformat()


class Beats:
    """Stands for the module `threading` in hooks.lock: each beat is one round of the renewer that began last."""

    def __init__(self) -> None:
        self.rounds = 0
        self.renewers: list[Renewer] = []

    def beat(self) -> None:
        self.rounds = 1
        self.renewers[-1].work()

    def Event(self) -> Released:
        return Released(self)

    def Thread(self, target: Callable[..., None], args: tuple[Any, ...], daemon: bool) -> Renewer:
        return Renewer(self, lambda: target(*args))


class Released:
    def __init__(self, beats: Beats) -> None:
        self.beats = beats

    def wait(self, timeout: float) -> bool:
        self.beats.rounds -= 1
        return self.beats.rounds < 0

    def set(self) -> None:
        pass


class Renewer:
    def __init__(self, beats: Beats, work: Callable[[], None]) -> None:
        self.beats = beats
        self.work = work

    def start(self) -> None:
        self.beats.renewers.append(self)

    def join(self) -> None:
        self.beats.renewers.remove(self)
