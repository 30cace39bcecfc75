"""Parsers of gluster's XML. Nothing here talks to a peer."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass

from hooks.gluster.model import Brick, PeerView, Process, Removal, Space, Volume

COMPLETED = "3"
FAILED = ("2", "4")
"""`status` of a rebalance: 0 not started, 1 in progress, 2 stopped, 3 completed, 4 failed (seen in captured XML)."""


@dataclass(frozen=True)
class Progress:
    """How far a task is: `done`, or `failed` if it has ended without success; `words` are for people."""

    done: bool
    words: str
    failed: bool = False


def rebalanced(root: ET.Element) -> Progress:
    """Progress of a rebalance or of bricks that leave, out of `volume rebalance V status` or `remove-brick ... status`.

    A file that could not be moved off a brick that leaves is a failure.
    """
    leaving = root.find("volRemoveBrick") is not None
    work = "volRemoveBrick" if leaving else "volRebalance"
    nodes = root.findall(f"{work}/node")
    states = [node.findtext("status", "") for node in nodes]
    moved = root.findtext(f"{work}/aggregate/files", "0")
    size = int(root.findtext(f"{work}/aggregate/size", "0"))
    looked = root.findtext(f"{work}/aggregate/lookups", "0")
    failures = int(root.findtext(f"{work}/aggregate/failures", "0"))
    words = f"{looked} files looked at, {moved} files of {size / 2**20:.0f} MiB moved, {failures} failures"
    done = bool(states) and set(states) == {COMPLETED}
    failed = any(state in FAILED for state in states) or (leaving and done and failures > 0)
    return Progress(done, words, failed)


def healed(root: ET.Element) -> Progress:
    """Progress of a heal, out of `volume heal V info summary`: done only if every brick is connected and shows 0.

    A brick that is down has no count, and everything in split-brain is also pending; neither is success.
    """
    bricks = root.findall("healInfo/bricks/brick")
    away = [brick.findtext("name", "") for brick in bricks if brick.findtext("status") != "Connected"]
    counts = [brick.findtext("totalNumberOfEntries", "") for brick in bricks]
    split = sum(int(n) for b in bricks if (n := b.findtext("numberOfEntriesInSplitBrain", "0")).isdigit())
    pending = sum(int(count) for count in counts if count.isdigit())
    words = f"{pending} entries to heal" + (f", {split} in split-brain" if split else "")
    words += f", not connected: {', '.join(away)}" if away else ""
    return Progress(bool(bricks) and not away and all(count == "0" for count in counts), words)


def unhealed_bricks(root: ET.Element) -> frozenset[str]:
    """Bricks (`host:/path`) that are not connected or have entries to heal, out of `volume heal V info summary`."""
    return frozenset(
        brick.findtext("name", "")
        for brick in root.iterfind("healInfo/bricks/brick")
        if brick.findtext("status") != "Connected" or brick.findtext("totalNumberOfEntries") != "0"
    )


@dataclass(frozen=True)
class BrickHeal:
    """A brick (`host:/path`) as the heal sees it: entries that wait, entries whose copies nobody can choose between."""

    name: str
    connected: bool
    pending: int
    split: int


def heals_of(root: ET.Element) -> tuple[BrickHeal, ...]:
    """The bricks out of `volume heal V info summary`; entries being healed at the moment do not count."""
    return tuple(
        BrickHeal(
            brick.findtext("name", ""),
            brick.findtext("status") == "Connected",
            _number(brick, "numberOfEntriesInHealPending"),
            _number(brick, "numberOfEntriesInSplitBrain"),
        )
        for brick in root.iterfind("healInfo/bricks/brick")
    )


def split_entries(root: ET.Element) -> tuple[str, ...]:
    """Paths or gfids out of `volume heal V info split-brain`, each once however many bricks have it."""
    found = (file.text or "" for file in root.iterfind("healInfo/bricks/brick/file"))
    return tuple(dict.fromkeys(found))


def _number(brick: ET.Element, name: str) -> int:
    text = brick.findtext(name, "")
    return int(text) if text.isdigit() else 0


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
