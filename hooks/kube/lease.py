"""One hook at a time: a Lease that its holder renews, and that is free again once the holder's pod is gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

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
    """A Lease as its holder knows it: `renewed` is a time.monotonic() value from before it was last taken."""

    renewed: float
    taken: bool = False

    def lost(self) -> bool:
        """Whether another has the Lease; a holder that cannot renew it gives up well before others may take it."""
        return self.taken or time.monotonic() - self.renewed > SECONDS * 2 / 3


@contextmanager
def hold_lease(cluster: Leases, name: str, holder: str, deadline: float) -> Iterator[Callable[[], bool]]:
    """Hold the Lease `name` as `holder` (a pod's name); wait for it until `deadline`, a time.monotonic() value.

    Yields the question whether the Lease is lost, which must stop the work. Raises Locked when another hook keeps it.
    """
    held = _Held(time.monotonic())
    while (other := _try(cluster, name, holder)) is not None:
        if time.monotonic() > deadline:
            raise Locked(other, name)
        time.sleep(1)
        held.renewed = time.monotonic()
    released = threading.Event()
    renewer = threading.Thread(target=_renew, args=(cluster, name, holder, held, released), daemon=True)
    renewer.start()
    try:
        yield held.lost
    finally:
        released.set()
        renewer.join()
        current = cluster.lease(name)
        if current and current["spec"].get("holderIdentity") == holder:
            cluster.take_lease(name, "", SECONDS, current)


def _try(cluster: Leases, name: str, holder: str) -> str | None:
    """Take the Lease. None when it is ours now, else who has it."""
    current = cluster.lease(name)
    other = str((current or {}).get("spec", {}).get("holderIdentity") or "")
    if current and other and other != holder and _alive(current) and not cluster.pod_is_gone(other):
        return other
    return None if cluster.take_lease(name, holder, SECONDS, current) else other or "that was quicker"


def _alive(lease: Mapping[str, Any]) -> bool:
    renewed = datetime.fromisoformat(lease["spec"]["renewTime"].replace("Z", "+00:00"))
    return (datetime.now(UTC) - renewed).total_seconds() < float(lease["spec"]["leaseDurationSeconds"])


def _renew(cluster: Leases, name: str, holder: str, held: _Held, released: threading.Event) -> None:
    while not released.wait(SECONDS / 6):
        now = time.monotonic()
        try:
            current = cluster.lease(name)
            if not current or current["spec"].get("holderIdentity") != holder:
                held.taken = True
            elif cluster.take_lease(name, holder, SECONDS, current):
                held.renewed = now
        except Exception as error:  # the API server may be away for a while; what counts is the age of the Lease
            print(f"The Lease {name} cannot be renewed: {error}", flush=True)
