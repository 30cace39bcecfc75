"""How far work has come that goes on in the pool by itself, out of gluster's XML; the rest between two looks at it."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass

COMPLETED = "3"
FAILED = ("2", "4")
"""`status` of a rebalance: 0 not started, 1 in progress, 2 stopped, 3 completed, 4 failed (seen in captured XML)."""


@dataclass(frozen=True)
class Progress:
    """`done`, or how far in words; `failed` says that it has ended without success."""

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


def rest(asked: float, deadline: float) -> None:
    """Wait as long as the look took that was begun at `asked`, at least 1 s, not beyond `deadline` (time.monotonic()).

    The bricks that are healed answer looks: with 2,000 entries one took 110 s beside others (measured).
    """
    now = time.monotonic()
    time.sleep(max(1, min(now - asked, deadline - now)))
