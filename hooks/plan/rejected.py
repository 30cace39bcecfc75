"""Peers that were rejected: which volume's checksum differs, which peer is the odd one, and how it is put right.

Two glusterds that meet compare, volume by volume, version and checksum of its configuration: of different versions the
older copy is replaced, at the same version with another checksum both reject each other ("Peer Rejected"). The
remedy in GlusterFS' own documentation is to clear the odd peer's configuration but for its identity and start it anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hooks.gluster.checksums import Copies, Copy
from hooks.gluster.model import Observed, Peer
from hooks.plan import sentences
from hooks.plan.availability import unavailable_without
from hooks.plan.health import Heals
from hooks.plan.model import Finding, Script
from hooks.text import joined
from hooks.values.model import Values


def rejections(observed: Observed) -> dict[str, set[str]]:
    """Node -> nodes that reject it, or that it rejects: glusterd says the same of both. Only peers that values list."""
    listed = {peer.uuid for peer in observed.peers}
    pairs = [
        (peer.name, observed.name_of(view.uuid))
        for peer in observed.peers
        for view in peer.views or ()
        if view.rejected and view.uuid in listed
    ]
    found: dict[str, set[str]] = {}
    for one, other in pairs:
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return found


def outlier(observed: Observed) -> str:
    """The only peer that is at odds with more than half of the others, "" where nobody can say which one is wrong."""
    odd = [node for node, others in rejections(observed).items() if len(others) * 2 > len(observed.peers) - 1]
    return odd[0] if len(odd) == 1 else ""


def differing(found: Copies) -> dict[str, dict[str, Copy]]:
    """The volumes of which peers have different copies at the same version: volume -> node -> copy."""
    by_volume: dict[str, dict[str, Copy]] = {}
    for node, volumes in found.items():
        for volume, copy in volumes.items():
            by_volume.setdefault(volume, {})[node] = copy
    return {
        volume: by_node
        for volume, by_node in by_volume.items()
        if len({c.checksum for c in by_node.values()}) > len({c.version for c in by_node.values()})
    }


def findings(rejected: Mapping[str, set[str]], odd: str, found: Copies, remedy: str) -> list[Finding]:
    """One finding for the `odd` peer with its `remedy`, or one for each where there is none."""
    checksums = "; ".join(_checksums(volume, by_node) for volume, by_node in differing(found).items())
    why = checksums or "no volume's checksum differs, so see the peers' logs for what does"
    if odd:
        what = f"{odd} is rejected by {joined(sorted(rejected[odd]))}: {why}."
        return [Finding("PeerRejected", what, remedy, odd, key=odd)]
    compare = "Nobody can tell which one is right: compare /var/lib/glusterd/vols/*/info on both."
    return [
        Finding(
            "PeerRejected",
            f"{node} and {joined(sorted(others))} reject each other: {why}.",
            compare,
            node,
            key=node,
        )
        for node, others in rejected.items()
    ]


def repair(values: Values, observed: Observed, odd: str, found: Copies, heals: Heals) -> Script | str:
    """The step that lets the `odd` peer take volumes over from the others, or why that may not be done now."""
    (peer,) = (peer for peer in observed.peers if peer.name == odd)
    wrong = sorted(volume for volume, by_node in differing(found).items() if odd in by_node)
    if not wrong:
        return "no volume of it differs"
    if reason := _unsafe(values, observed, peer, found, wrong) or _missed(observed, peer, heals):
        return reason
    # Peers and UUID stay. The copies are kept, as the entrypoint keeps broken ones.
    return Script("set-aside-volumes.sh", tuple(wrong), odd, why=f"it takes {joined(wrong)} over from the others again")


def _unsafe(values: Values, observed: Observed, peer: Peer, found: Copies, wrong: Sequence[str]) -> str:
    known = {volume.id for volume in observed.volumes}
    if foreign := [volume.name for volume in peer.volumes or () if volume.id not in known]:
        return f"it has the volume {joined(foreign)}, which the others do not know"
    for volume in wrong:
        others = {volumes.get(volume) for node, volumes in found.items() if node != peer.name}
        if len(others) > 1 or None in others:
            return f"the other peers do not agree on {volume} either"
    for other in observed.peers:
        for view in other.views or ():
            if other is not peer and view.uuid != peer.uuid and not view.healthy:
                return f"{observed.name_of(view.uuid)} is no healthy peer either as {other.name} sees it"
    if values.allow_downtime:
        return ""
    unavailable = [sentences.words(obstacle)[0] for obstacle in unavailable_without(peer.name, observed)]
    return " ".join(unavailable).removesuffix(".")


def _missed(observed: Observed, peer: Peer, heals: Heals) -> str:
    """Its bricks go for a moment: the others must all be there, and nothing may wait that only its bricks know of."""
    for volume in observed.volumes:
        if not volume.started or all(brick.peer != peer.uuid for brick in volume.bricks):
            continue
        if away := [str(brick) for brick in observed.offline(volume) if brick.peer != peer.uuid]:
            return f"the brick {away[0]} of {volume.name} is offline"
        own = {str(brick) for brick in volume.bricks if brick.peer == peer.uuid}
        if any(brick.pending or brick.split for brick in heals.get(volume.name, ()) if brick.name in own):
            return f"its bricks of {volume.name} have something to heal on others"
    return ""


def _checksums(volume: str, by_node: Mapping[str, Copy]) -> str:
    nodes: dict[Copy, list[str]] = {}
    for node, copy in by_node.items():
        nodes.setdefault(copy, []).append(node)
    parts = [f"{copy.checksum} on {joined(names)}" for copy, names in nodes.items()]
    return f"the checksum of the volume {volume} (version {next(iter(nodes)).version}) differs, {joined(parts)}"
