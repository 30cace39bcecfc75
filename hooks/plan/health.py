"""What is amiss in a pool, each with the peer that it lies on and what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from hooks.gluster.model import Observed, Space
from hooks.gluster.xml import BrickHeal
from hooks.plan.build import Plan
from hooks.plan.repair import not_ours, offline, running
from hooks.plan.volumes import differing
from hooks.text import entries, first_of, joined
from hooks.values.model import BrickSpec, Values

Heals = Mapping[str, Sequence[BrickHeal]]
"""By volume what `volume heal V info summary` says of its bricks."""


@dataclass(frozen=True)
class Finding:
    """`reason` is a word for programs, `about` what tells it from others of that reason, `text` is for people.

    `node` is the one whose peer it lies on, "" for the pool as a whole. `good` is what was put right.
    """

    reason: str
    about: str
    text: str
    node: str = ""
    good: bool = False


def silent(addresses: Mapping[str, str], away: Container[str], text: str) -> list[Finding]:
    """Peers at whose address nobody takes a connection, though their pods are Ready."""
    return [Finding("PeerAway", node, f"{text}.", node) for node, address in addresses.items() if address in away]


def disconnected(observed: Observed, known: Container[str]) -> list[Finding]:
    """Peers that others see away; those of nodes that are `known` to be away, and rejected ones, are said elsewhere."""
    listed = {peer.uuid for peer in observed.peers}
    at = {peer.address: peer.name for peer in observed.peers}
    seen: dict[str, list[str]] = {}
    states: dict[str, str] = {}
    for peer in observed.peers:
        for view in peer.views or ():
            # One that lost its state folder is known under the UUID that it had.
            name = next((at[host] for host in view.hostnames if host in at), observed.name_of(view.uuid))
            rejected = view.rejected and view.uuid in listed
            if not (view.healthy or rejected or name in known):
                seen.setdefault(name, []).append(peer.name)
                states[name] = view.state_text if view.connected else "disconnected"
    return [
        Finding(
            "PeerAway",
            name,
            f"{name} is away as {joined(by)} see{'s' if len(by) == 1 else ''} it ({states[name]}): look at its node, "
            "its network and its pod's log.",
            name,
        )
        for name, by in seen.items()
    ]


def bricks_offline(values: Values, observed: Observed, away: Container[str]) -> Iterator[Finding]:
    """Bricks and self-heal daemons of volumes in values that do not run, but for those of peers that are `away`."""
    listed = {peer.uuid: peer.name for peer in observed.peers}
    at = {peer.address: peer.name for peer in observed.peers}
    for volume in running(values, observed):
        for brick in offline(volume, observed):
            node = at.get(brick.host) or observed.name_of(brick.peer)
            if node not in away:
                looked_at = BrickSpec(node, brick.path) in observed.folders
                text = (looked_at and not_ours(volume, brick, observed)) or (
                    f"{node}:{brick.path}: the brick of {volume.name} is offline. It is started when every peer of the "
                    "pool is connected; if it does not stay up, look at the pod's log."
                )
                yield Finding("BrickOffline", f"{node}:{brick.path}", text, node)
        for process in observed.processes_of(volume.name):
            node = listed.get(process.peer, "")
            if not process.is_brick and not process.online and node and node not in away:
                text = f"{node}: the {process.host} of {volume.name} does not run: see its log in the peer."
                yield Finding("DaemonOffline", f"{node} {volume.name} {process.host}", text, node)


def started(before: Observed, now: Observed) -> Iterator[Finding]:
    """Bricks and daemons that were offline and are online now."""
    for volume in now.volumes:
        away = set(offline(volume, now))
        for brick in offline(volume, before):
            node = now.name_of(brick.peer)
            if brick not in away:
                text = f"{node}:{brick.path}: the brick of {volume.name} was offline and has been started."
                yield Finding("BrickStarted", f"{node}:{brick.path}", text, node, good=True)
        online = {(p.peer, p.host) for p in now.processes_of(volume.name) if p.online and not p.is_brick}
        for process in before.processes_of(volume.name):
            node = now.name_of(process.peer)
            if not process.is_brick and not process.online and (process.peer, process.host) in online:
                text = f"{node}: the {process.host} of {volume.name} did not run and has been started."
                yield Finding("DaemonStarted", f"{node} {volume.name} {process.host}", text, node, good=True)


def unreachable(observed: Observed, heals: Heals, just_repaired: Container[str]) -> Iterator[Finding]:
    """Bricks that glusterd calls online and no client reaches, as with an old port, but for `just_repaired` ones."""
    for volume in observed.volumes:
        away = set(offline(volume, observed))
        lost = {brick.name for brick in heals.get(volume.name, ()) if not brick.connected}
        for brick in volume.bricks:
            node = observed.name_of(brick.peer)
            if str(brick) in lost and brick not in away and f"{node}:{brick.path}" not in just_repaired:
                text = (
                    f"{node}:{brick.path}: the brick of {volume.name} runs, but no client gets a connection to it: "
                    "glusterd gives out an old port, or a firewall is between. Once nothing is left to heal on the "
                    "other bricks, delete the peer's pod, so that it starts anew."
                )
                yield Finding("BrickUnreachable", f"{node}:{brick.path}", text, node)


def to_heal(heals: Heals) -> dict[str, int]:
    """By volume the entries that wait to be healed, without those in split-brain; only volumes that have some."""
    counts = {name: sum(brick.pending for brick in bricks) for name, bricks in heals.items()}
    return {name: count for name, count in counts.items() if count}


def stalled(heals: Heals, before: Mapping[str, int]) -> list[Finding]:
    """Volumes whose entries to heal have not become less since the last look, which counted `before`.

    While a brick is away nothing else can be expected.
    """
    return [
        Finding(
            "HealStalled",
            name,
            f"{name} has {entries(count)} to heal, {entries(before[name])} when last looked at: the heal does not "
            f"shrink. See `gluster volume heal {name} info`, and glustershd.log in the peers.",
        )
        for name, count in to_heal(heals).items()
        if 0 < before.get(name, 0) <= count and all(brick.connected for brick in heals[name])
    ]


def split_volumes(heals: Heals) -> list[str]:
    """Volumes with entries in split-brain."""
    return [name for name, bricks in heals.items() if any(brick.split for brick in bricks)]


def split_brain(split: Mapping[str, Sequence[str]]) -> list[Finding]:
    """Entries (paths or gfids) by volume (`split`) whose copies differ and of which none is known to be right."""
    return [
        Finding(
            "SplitBrain",
            name,
            f"{name} has {entries(len(found))} in split-brain: {first_of(found)}. Somebody has to say which copy is "
            f"right: `gluster volume heal {name} split-brain latest-mtime FILE` (or bigger-file, or source-brick).",
        )
        for name, found in split.items()
        if found
    ]


def full_bricks(observed: Observed, spaces: Sequence[Space], percent: int) -> list[Finding]:
    """File systems of bricks that are filled to `percent` and more: one finding each, however many bricks it has."""
    found: dict[tuple[str, str], list[Space]] = {}
    for space in spaces:
        if space.percent >= percent:
            found.setdefault((space.peer, str(PurePosixPath(space.path).parent)), []).append(space)
    return [
        Finding(
            "BrickFull",
            f"{node}:{folder}",
            f"{node}:{folder} is {full[0].percent} % full, {full[0].free / 2**30:.1f} GiB are free (bricks of "
            f"{joined(sorted({space.volume for space in full}))}). Delete files, or add a brick directory or nodes.",
            node,
        )
        for (peer, folder), full in found.items()
        for node in [observed.name_of(peer)]
    ]


def drifted_options(values: Values, observed: Observed) -> list[Finding]:
    """Volumes with options that differ from the values."""
    live = {volume.name: dict(volume.options) for volume in observed.volumes}
    findings = []
    for spec in values.volumes:
        options = live.get(spec.name)
        if options is not None and (differ := differing(spec, options)):
            words = [
                f"{key} is {options.get(key, 'not set')}, the values ask for {value}" for key, value in differ.items()
            ]
            text = f"Options of {spec.name} differ from the values: {first_of(words, '; ')}. `helm upgrade` sets them."
            findings.append(Finding("OptionDrift", spec.name, text))
    return findings


def refused(reasons: Sequence[str], nodes: Sequence[str]) -> list[Finding]:
    """Why the hook would refuse what the values ask for."""
    return [Finding("PlanRefused", text, text, _node(text, nodes)) for text in reasons]


def drifted_pool(plan: Plan) -> list[Finding]:
    """What else the hook would do: an upgrade that was not carried out, or a pool changed by hand."""
    left = [
        str(step)
        for phase in plan.phases
        for step in phase.steps
        if not step.command.startswith("volume set ") and not phase.repair
    ]
    if not left or plan.refusals:
        return []
    text = f"The pool is not what the values ask for; `helm upgrade` would do: {first_of(left, '; ')}."
    return [Finding("PoolDrift", "plan", text)]


def _node(text: str, nodes: Sequence[str]) -> str:
    return next((node for node in nodes if text.startswith((f"{node}:", f"{node} "))), "")
