"""What each peer has stored of each volume's configuration: version and checksum, as glusterds compare them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hooks.gluster import scripts
from hooks.gluster.observe import side_by_side
from hooks.gluster.runner import PeerUnavailable, Runner


@dataclass(frozen=True)
class Copy:
    """A peer's copy of a volume's configuration, as glusterd compares it."""

    version: str
    checksum: str


Copies = Mapping[str, Mapping[str, Copy]]
"""Node -> volume -> its copy."""


def copies(runner: Runner, nodes: Sequence[str]) -> dict[str, dict[str, Copy]]:
    """Read what these nodes' peers have of each volume. Raises PeerUnavailable when one cannot be read."""

    def read(node: str) -> dict[str, Copy]:
        result = runner.run(node, ["timeout", "30", *scripts.argv("checksums.sh")], timeout=40)
        if result.exit_code:
            raise PeerUnavailable(f"The volumes' checksums on {node} cannot be read: {result.stderr.strip()}")
        rows = [line.split() for line in result.stdout.splitlines()]
        return {row[0]: Copy(row[1], row[2]) for row in rows if len(row) == 3}

    return dict(zip(nodes, side_by_side(read, nodes), strict=True))
