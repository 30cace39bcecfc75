"""The trusted pool as gluster's XML shows it: frozen facts and their parsers. Nothing here talks to a peer."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass

IN_CLUSTER = 3
"""`state` of a peer that is in the pool ("Peer in Cluster"); `connected` alone is also 1 for a rejected peer."""

REJECTED = 6
"""`state` of a peer whose configuration of a volume differs from the other's ("Peer Rejected")."""


@dataclass(frozen=True)
class PeerView:
    """One peer as another one sees it (`peer status`)."""

    uuid: str
    hostnames: tuple[str, ...]
    connected: bool
    state: int
    state_text: str

    @property
    def healthy(self) -> bool:
        return self.connected and self.state == IN_CLUSTER

    @property
    def rejected(self) -> bool:
        return self.connected and self.state == REJECTED


@dataclass(frozen=True)
class Brick:
    """A brick of an existing volume: the literal host it was created with, its folder, the UUID of its peer."""

    host: str
    path: str
    peer: str
    arbiter: bool = False

    def __str__(self) -> str:
        return f"{self.host}:{self.path}"


@dataclass(frozen=True)
class Volume:
    """A volume as `volume info` shows it. `replica` counts all bricks of a set, the arbiter included; 1 means none."""

    name: str
    id: str
    started: bool
    replica: int
    arbiter: int
    disperse: int
    redundancy: int
    bricks: tuple[Brick, ...]
    options: tuple[tuple[str, str], ...]

    @property
    def set_size(self) -> int:
        return self.disperse or self.replica


@dataclass(frozen=True)
class Process:
    """A row of `volume status`: a brick (host and path) or a daemon (its name and the host it runs on)."""

    volume: str
    host: str
    path: str
    peer: str
    online: bool
    port: str
    pid: str

    @property
    def is_brick(self) -> bool:
        return self.path.startswith("/")


@dataclass(frozen=True)
class Space:
    """The file system of a brick that runs, in bytes."""

    volume: str
    peer: str
    path: str
    total: int
    free: int

    @property
    def percent(self) -> int:
        """How full it is, rounded down."""
        return (self.total - self.free) * 100 // self.total


@dataclass(frozen=True)
class Removal:
    """A `remove-brick` that was started and is neither committed nor stopped, with its bricks as `host:/path`."""

    bricks: tuple[str, ...]
    running: bool
    failed: bool


def parse_removing(root: ET.Element) -> dict[str, Removal]:
    """What is being removed from which volume, out of the tasks in `volume status`."""
    return {
        _text(volume, "volName"): Removal(
            tuple(brick.text or "" for brick in task.iterfind("params/brick")),
            running=task.findtext("status") == "1",
            failed=task.findtext("status") not in ("1", "3"),
        )
        for volume in root.iterfind("volStatus/volumes/volume")
        for task in volume.iterfind("tasks/task")
        if task.findtext("type") == "Remove brick"
    }


def parse_rebalancing(root: ET.Element) -> frozenset[str]:
    """Names of the volumes that are being rebalanced now, out of the tasks in `volume status`."""
    return frozenset(
        _text(volume, "volName")
        for volume in root.iterfind("volStatus/volumes/volume")
        for task in volume.iterfind("tasks/task")
        if task.findtext("type") == "Rebalance" and task.findtext("status") == "1"
    )


def parse_uuid(root: ET.Element) -> str:
    """UUID out of `system:: uuid get`."""
    return _text(root, "uuidGenerate/uuid")


def parse_peers(root: ET.Element) -> tuple[PeerView, ...]:
    """Peers out of `peer status`; the peer that was asked is not among them."""
    return tuple(
        PeerView(
            uuid=_text(peer, "uuid"),
            hostnames=tuple(dict.fromkeys(h.text or "" for h in peer.iter("hostname"))),
            connected=_text(peer, "connected") == "1",
            state=int(_text(peer, "state")),
            state_text=peer.findtext("stateStr", ""),
        )
        for peer in root.iterfind("peerStatus/peer")
    )


def parse_volumes(root: ET.Element) -> tuple[Volume, ...]:
    """Volumes out of `volume info`."""
    return tuple(
        Volume(
            name=_text(volume, "name"),
            id=_text(volume, "id"),
            started=_text(volume, "status") == "1",
            replica=int(_text(volume, "replicaCount")),
            arbiter=int(_text(volume, "arbiterCount")),
            disperse=int(_text(volume, "disperseCount")),
            redundancy=int(_text(volume, "redundancyCount")),
            bricks=tuple(_brick(brick) for brick in volume.iterfind("bricks/brick")),
            options=tuple(
                (_text(option, "name"), option.findtext("value") or "") for option in volume.iterfind("options/option")
            ),
        )
        for volume in root.iterfind("volInfo/volumes/volume")
    )


def parse_status(root: ET.Element) -> tuple[Process, ...]:
    """Processes out of `volume status`. Bricks of peers whose glusterd is away are missing without a word."""
    return tuple(
        Process(
            volume=_text(volume, "volName"),
            host=_text(node, "hostname"),
            path=_text(node, "path"),
            peer=_text(node, "peerid"),
            online=_text(node, "status") == "1",
            port=node.findtext("port", "N/A"),
            pid=node.findtext("pid", "N/A"),
        )
        for volume in root.iterfind("volStatus/volumes/volume")
        for node in volume.iterfind("node")
    )


def parse_spaces(root: ET.Element) -> tuple[Space, ...]:
    """The file systems of bricks out of `volume status all detail`; of a brick that is offline there is none."""
    return tuple(
        Space(_text(volume, "volName"), _text(node, "peerid"), _text(node, "path"), total, int(_text(node, "sizeFree")))
        for volume in root.iterfind("volStatus/volumes/volume")
        for node in volume.iterfind("node")
        if (total := int(node.findtext("sizeTotal", "0")))
    )


def _brick(element: ET.Element) -> Brick:
    host, path = _text(element, "name").split(":/", 1)
    return Brick(host, "/" + path, _text(element, "hostUuid"), element.findtext("isArbiter") == "1")


def _text(element: ET.Element, path: str) -> str:
    text = element.findtext(path)
    if text is None:
        raise ValueError(f"gluster's XML has no <{path}> in <{element.tag}>")
    return text.strip()
