"""This checkout's cluster, of whichever kind: `from testbed import cluster; cluster.current().crash("worker-2")`."""

from testbed import kind, kind_lifecycle, lifecycle, native
from testbed.config import ClusterError, versions
from testbed.kind import Kind
from testbed.native import Native

Cluster = Native | Kind


def current() -> Cluster:
    """The running cluster."""
    if (own := native.load()) and own.is_up():
        return own
    if (other := kind.load()) and other.is_up():
        return other
    raise ClusterError("This checkout has no running cluster. Bring one up: python -m testbed up")


def up(provider: str | None, nodes: int, kubernetes: str | None, brick_size: str) -> Cluster:
    """`provider` None: that of the cluster there is, else kind where it can run. `kubernetes` None: the default."""
    if provider is None:
        provider = "native" if native.load() or not (kind.load() or kind_lifecycle.is_usable()) else "kind"
    if provider == "kind":
        return kind_lifecycle.up(nodes, kubernetes, brick_size)
    return lifecycle.up(nodes, kubernetes or versions().kubernetes, brick_size)


def down() -> bool:
    """Take it down, or what is left of it; whether there was anything."""
    return kind_lifecycle.down() or lifecycle.down()
