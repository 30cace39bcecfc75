"""What maintenance finds in a pool: each with the peer that it lies on, and what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from hooks.gluster.model import Brick, Observed, Space, Volume
from hooks.gluster.xml import BrickHeal
from hooks.plan import sentences
from hooks.plan.build import Policy, decide
from hooks.plan.case import Case
from hooks.plan.differences import Answer, Difference, OptionDiffers
from hooks.plan.model import Finding
from hooks.plan.obstacles import BrickUnproven
from hooks.plan.repair import proven
from hooks.plan.volumes import option_differences
from hooks.text import entries, first_of, joined
from hooks.values.model import BrickSpec

Heals = Mapping[str, Sequence[BrickHeal]]
"""By volume what `volume heal V info summary` reports of its bricks."""


def unreachable_peers(addresses: Mapping[str, str], away: Container[str], what: str) -> list[Finding]:
    """Peers at whose address nobody takes a connection, though their pods are Ready."""
    return [
        Finding("PeerDisconnected", what, node=node, key=node) for node, address in addresses.items() if address in away
    ]


def disconnected(observed: Observed, known: Container[str]) -> list[Finding]:
    """Peers that others see away, without those of nodes that are `known` to be away and without rejected ones."""
    listed = {peer.uuid for peer in observed.peers}
    at = {peer.address: peer.name for peer in observed.peers}
    seen_by: dict[str, list[str]] = {}
    states: dict[str, str] = {}
    for peer in observed.peers:
        for view in peer.views or ():
            # One that lost its state folder is known under the UUID that it had.
            name = next((at[host] for host in view.hostnames if host in at), observed.name_of(view.uuid))
            rejected = view.rejected and view.uuid in listed
            if not (view.healthy or rejected or name in known):
                seen_by.setdefault(name, []).append(peer.name)
                states[name] = view.state_text if view.connected else "disconnected"
    return [
        Finding(
            "PeerDisconnected",
            f"{name} is away as {joined(by)} see{'s' if len(by) == 1 else ''} it ({states[name]}):",
            "look at its node, its network and its pod's log.",
            node=name,
            key=name,
        )
        for name, by in seen_by.items()
    ]


def offline(case: Case, away: Container[str]) -> Iterator[Finding]:
    """Bricks and self-heal daemons of volumes in values that do not run, but for those of peers that are `away`."""
    listed = {peer.uuid: peer.name for peer in case.pool.peers}
    at = {address: node for node, address in case.addresses.items()}
    for volume in case.running():
        for brick in case.pool.offline(volume):
            where = BrickSpec(at.get(brick.host) or case.pool.name_of(brick.peer), brick.path)
            if where.node not in away:
                yield _brick_offline(case, volume, brick, where)
        for process in case.pool.processes_of(volume.name):
            node = listed.get(process.peer, "")
            if not process.is_brick and not process.online and node and node not in away:
                yield Finding(
                    "SelfHealDaemonOffline",
                    f"{node}: the {process.host} of {volume.name} does not run:",
                    "see its log in the peer.",
                    node,
                    volume.name,
                    key=f"{node} {volume.name} {process.host}",
                )


def _brick_offline(case: Case, volume: Volume, brick: Brick, where: BrickSpec) -> Finding:
    if where in case.pool.folders and not proven(case, volume, brick):
        what, remedy = sentences.words(BrickUnproven(node=where.node, volume=volume.name, brick=where))
    else:
        what = f"{where}: the brick of {volume.name} is offline."
        remedy = (
            "It is started when every peer of the pool is connected; if it does not stay up, look at the pod's log."
        )
    return Finding("BrickOffline", what, remedy, where.node, volume.name, key=str(where))


def started(before: Observed, now: Observed) -> Iterator[Finding]:
    """Bricks and daemons that were offline and are online now."""
    for volume in now.volumes:
        still = set(now.offline(volume))
        for brick in before.offline(volume):
            node = now.name_of(brick.peer)
            if brick not in still:
                what = f"{node}:{brick.path}: the brick of {volume.name} was offline and has been started."
                key = f"{node}:{brick.path}"
                yield Finding("BrickStarted", what, "", node, volume.name, key, resolved=True)
        online = {(p.peer, p.host) for p in now.processes_of(volume.name) if p.online and not p.is_brick}
        for process in before.processes_of(volume.name):
            node = now.name_of(process.peer)
            if not process.is_brick and not process.online and (process.peer, process.host) in online:
                what = f"{node}: the {process.host} of {volume.name} did not run and has been started."
                key = f"{node} {volume.name} {process.host}"
                yield Finding("SelfHealDaemonStarted", what, "", node, volume.name, key, resolved=True)


def unreachable_bricks(observed: Observed, heals: Heals, just_started: Container[str]) -> Iterator[Finding]:
    """Bricks that glusterd calls online and no client reaches, as with an old port; `just_started` ones may come."""
    for volume in observed.volumes:
        offline = set(observed.offline(volume))
        unconnected = {brick.name for brick in heals.get(volume.name, ()) if not brick.connected}
        for brick in volume.bricks:
            node = observed.name_of(brick.peer)
            where = f"{node}:{brick.path}"
            if str(brick) in unconnected and brick not in offline and where not in just_started:
                yield Finding(
                    "BrickUnreachable",
                    f"{where}: the brick of {volume.name} runs, but no client gets a connection to it: glusterd gives "
                    "out an old port, or a firewall is between.",
                    "Once nothing is left to heal on the other bricks, delete the peer's pod, so that it starts again.",
                    node,
                    volume.name,
                    key=where,
                )


def to_heal(heals: Heals) -> dict[str, int]:
    """By volume the entries that wait to be healed, without those in split-brain; only volumes that have some."""
    counts = {name: sum(brick.pending for brick in bricks) for name, bricks in heals.items()}
    return {name: count for name, count in counts.items() if count}


def triggered(waiting: Mapping[str, int]) -> list[Finding]:
    """Volumes whose self-heal daemons were asked to heal the entries that wait."""
    return [
        Finding(
            "HealTriggered",
            f"{name} has {entries(count)} to heal: the heal was triggered.",
            volume=name,
            key=name,
            resolved=True,
        )
        for name, count in waiting.items()
    ]


def stalled(heals: Heals, before: Mapping[str, int]) -> list[Finding]:
    """Volumes whose entries to heal have not become less since the last look, which counted `before`.

    While a brick is away nothing else can be expected.
    """
    return [
        Finding(
            "HealStalled",
            f"{name} has {entries(count)} to heal, {entries(before[name])} when last looked at: the heal does not "
            "shrink.",
            f"See `gluster volume heal {name} info`, and glustershd.log in the peers.",
            volume=name,
            key=name,
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
            f"{name} has {entries(len(found))} in split-brain: {first_of(found)}.",
            f"Somebody has to choose the copy that is right: `gluster volume heal {name} split-brain latest-mtime "
            "FILE` (or bigger-file, or source-brick).",
            volume=name,
            key=name,
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
            f"{node}:{folder} is {full[0].percent} % full, {full[0].free / 2**30:.1f} GiB are free (bricks of "
            f"{joined(sorted({space.volume for space in full}))}).",
            "Delete files, or add a brick directory or nodes.",
            node,
            key=f"{node}:{folder}",
        )
        for (peer, folder), full in found.items()
        for node in [observed.name_of(peer)]
    ]


def option_drift(case: Case) -> Iterator[Finding]:
    """Volumes with options that differ from the values."""
    for spec in case.values.volumes:
        if spec.name not in case.volumes:
            continue
        differ = [d for d in option_differences(case, spec) if isinstance(d, OptionDiffers)]
        what = [f"{d.option} is {d.live or 'not set'}, the values ask for {d.asked}" for d in differ]
        if what:
            text = f"Options of {spec.name} differ from the values: {first_of(what, '; ')}."
            yield Finding("OptionDrift", text, "`helm upgrade` sets them.", volume=spec.name, key=spec.name)


def pool_drift(found: Sequence[Difference]) -> Iterator[Finding]:
    """What else the hook would do: an upgrade that was not carried out, or a pool changed by hand."""
    if any(d.answer in (Answer.REFUSE, Answer.WAIT) for d in found):
        return
    plan = decide([d for d in found if not isinstance(d, OptionDiffers)], Policy.FULL)
    steps = [str(step) for phase in plan.phases if not phase.repair for step in phase.steps]
    if steps:
        what = f"The pool is not what the values ask for; `helm upgrade` would do: {first_of(steps, '; ')}."
        yield Finding("PoolDrift", what, key="plan")


def blocked(obstacles: Iterable[Difference]) -> Iterator[Finding]:
    """Why the hook would refuse what the values ask for."""
    for obstacle in obstacles:
        what, remedy = sentences.words(obstacle)
        yield Finding("UpgradeBlocked", what, remedy, obstacle.node, obstacle.volume, key=f"{what} {remedy}")
