"""A node that loses what its peer knew."""

from __future__ import annotations

from testbed.cluster import Cluster
from tests.cluster.lab import CommandFailed, until
from tests.cluster.release import Release


def come_back_empty(release: Release, machines: Cluster, node: str, bricks: bool = False) -> None:
    """The node loses its power and comes back without its peer's state, with `bricks` without these too.

    Ends when the new glusterd on it answers, which knows no peer.
    """
    machines.crash(node, silent=True)
    try:
        machines.blank(node, bricks=bricks)
    finally:
        machines.boot(node)
    until("its new glusterd answers", lambda: _is_alone(release, node), 180)


def _is_alone(release: Release, node: str) -> bool:
    try:
        return len(release.gluster("pool", "list", node=node).splitlines()) == 2
    except CommandFailed:
        return False
