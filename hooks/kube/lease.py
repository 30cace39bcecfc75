"""One hook at a time: a Lease that its holder renews, and that is free again once the holder's pod is gone.

A hook waits for it as long as it may run at all (`--deadline`), maintenance not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from hooks.wait import Clock, Deadline, Pace, wait_until

SECONDS = 60
"""How long a Lease lives without being renewed; it is renewed six times as often. Only a dead node's hook is waited for
that long: elsewhere the Lease is free once its holder's pod is gone."""


class Locked(Exception):
    """Another hook, the pod `holder`, is at work."""

    def __init__(self, holder: str, lease: str):
        self.holder = holder
        super().__init__(
            f"Another hook, the pod {holder}, is at work on this release. Wait until it has ended and try again; "
            f"it is left behind by a dead node only if the Lease {lease} is not renewed for {SECONDS} s."
        )


class Leases(Protocol):
    """What the lock needs of Kubernetes, see release.Release."""

    def lease(self, name: str) -> dict[str, Any] | None: ...
    def take_lease(self, name: str, holder: str, seconds: int, current: Mapping[str, Any] | None) -> bool: ...
    def pod_is_gone(self, name: str) -> bool: ...


@dataclass
class _Held:
    """The Lease `name` as its `holder` knows it.

    `renewed` is a value of the clock's monotonic() from before it was last taken; `taken` says that another has it.
    """

    cluster: Leases
    name: str
    holder: str
    clock: Clock
    renewed: float = 0
    taken: bool = False

    def lost(self) -> bool:
        """Whether another has the Lease; a holder that cannot renew it gives up well before others may take it."""
        return self.taken or self.clock.monotonic() - self.renewed > SECONDS * 2 / 3

    def take(self) -> str | None:
        """Take the Lease. None when it is ours now, else who has it."""
        self.renewed = self.clock.monotonic()
        current = self.cluster.lease(self.name)
        other = str((current or {}).get("spec", {}).get("holderIdentity") or "")
        if (
            current
            and other
            and other != self.holder
            and self._is_alive(current)
            and not self.cluster.pod_is_gone(other)
        ):
            return other
        return (
            None if self.cluster.take_lease(self.name, self.holder, SECONDS, current) else other or "that was quicker"
        )

    def _is_alive(self, lease: Mapping[str, Any]) -> bool:
        renewed = datetime.fromisoformat(lease["spec"]["renewTime"].replace("Z", "+00:00"))
        return (self.clock.now() - renewed).total_seconds() < float(lease["spec"]["leaseDurationSeconds"])

    def renew(self) -> None:
        """Take the Lease again, or find that another has it."""
        now = self.clock.monotonic()
        try:
            current = self.cluster.lease(self.name)
            if not current or current["spec"].get("holderIdentity") != self.holder:
                self.taken = True
            elif self.cluster.take_lease(self.name, self.holder, SECONDS, current):
                self.renewed = now
        except Exception as error:  # the API server may be away for a while; what counts is the age of the Lease
            print(f"The Lease {self.name} cannot be renewed: {error}", flush=True)

    def release(self) -> None:
        """Leave the Lease to the next one, if it is still ours."""
        current = self.cluster.lease(self.name)
        if current and current["spec"].get("holderIdentity") == self.holder:
            self.cluster.take_lease(self.name, "", SECONDS, current)


@contextmanager
def hold_lease(cluster: Leases, name: str, holder: str, deadline: Deadline) -> Iterator[Callable[[], bool]]:
    """Hold the Lease `name` as `holder` (a pod's name); wait for it until `deadline`.

    Yields the question whether the Lease is lost, which must stop the work. Raises Locked when another hook keeps it.
    """
    held = _Held(cluster, name, holder, deadline.clock)
    other = wait_until(held.take, lambda other: other is None, Pace(deadline))
    if other is not None:
        raise Locked(other, name)
    try:
        with deadline.clock.every(SECONDS / 6, held.renew):
            yield held.lost
    finally:
        held.release()
