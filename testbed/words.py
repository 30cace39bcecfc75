"""What both kinds of cluster tell people in the same words: which node is not there, off, on, or in use; the status."""

from collections.abc import Iterable, Sequence

from testbed.config import ClusterError


def number(name: str, nodes: Sequence[str]) -> int:
    """The number of the node of that name, from 1."""
    if name not in nodes:
        raise ClusterError(f"There is no node {name!r}. The nodes are: {', '.join(nodes)}.")
    return nodes.index(name) + 1


def require_on(name: str, is_on: bool) -> None:
    if not is_on:
        raise ClusterError(f"{name} is off. Start it with: python -m testbed boot {name}")


def require_off(name: str, is_on: bool) -> None:
    if is_on:
        raise ClusterError(f"{name} is on already.")


def require_no_peer(name: str, programs: Iterable[str]) -> None:
    """`programs` are the names of those that run on the node."""
    if users := [program for program in programs if program in ("glusterd", "glusterfsd")]:
        raise ClusterError(
            f"{users[0]} is running on {name}, which would write its state again. Crash {name} or delete its "
            "peer's pod for good (scale its StatefulSet to 0) first."
        )


def table(title: str, rows: Iterable[tuple[str, bool, bool, str, str]]) -> str:
    """A row a node: name, power, readiness, its links to the cluster network and to the storage network."""
    lines = [title, f"{'NODE':<10} {'POWER':<6} {'READY':<6} {'CLUSTER NETWORK':<22} STORAGE NETWORK"]
    for name, power, ready, cluster, storage in rows:
        shown = f"{name:<10} {'on' if power else 'off':<6} {'yes' if ready else 'no':<6} {cluster:<22} {storage}"
        lines.append(shown.rstrip())
    return "\n".join(lines)
