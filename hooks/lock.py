"""One hook at a time: a Lease that its holder renews, and that is free again once the holder's pod is gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

SECONDS = 30
"""How long a Lease lives without being renewed; it is renewed three times as often."""


class Locked(Exception):
    """Another hook, the pod `holder`, is at work."""

    def __init__(self, holder: str, lease: str):
        self.holder = holder
        super().__init__(
            f"Another hook, the pod {holder}, is at work on this release. Wait until it has ended and try again; "
            f"it is left behind by a dead node only if the Lease {lease} is not renewed for {SECONDS} s."
        )


class Leases(Protocol):
    """What the lock needs of Kubernetes, see kube.Cluster."""

    def lease(self, name: str) -> dict[str, Any] | None: ...
    def take_lease(self, name: str, holder: str, seconds: int, current: Mapping[str, Any] | None) -> bool: ...
    def pod_is_gone(self, name: str) -> bool: ...


@contextmanager
def only_hook(cluster: Leases, name: str, holder: str, deadline: float) -> Iterator[threading.Event]:
    """Hold the Lease `name` as `holder` (a pod's name); wait for it until `deadline`, a time.monotonic() value.

    The event is set when the Lease was lost, which must stop the work. Raises Locked when another hook keeps it.
    """
    while (other := _try(cluster, name, holder)) is not None:
        if time.monotonic() > deadline:
            raise Locked(other, name)
        time.sleep(1)
    lost, released = threading.Event(), threading.Event()
    renewer = threading.Thread(target=_renew, args=(cluster, name, holder, lost, released), daemon=True)
    renewer.start()
    try:
        yield lost
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


def _renew(cluster: Leases, name: str, holder: str, lost: threading.Event, released: threading.Event) -> None:
    renewed = time.monotonic()
    while not released.wait(SECONDS / 3):
        try:
            current = cluster.lease(name)
            if current and current["spec"].get("holderIdentity") == holder:
                if cluster.take_lease(name, holder, SECONDS, current):
                    renewed = time.monotonic()
            else:
                lost.set()
        except Exception as error:  # the API server may be away for a while; what counts is the age of the Lease
            print(f"The Lease {name} cannot be renewed: {error}", flush=True)
        if time.monotonic() - renewed > SECONDS:
            lost.set()
