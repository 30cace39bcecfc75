"""Cases of the planner out of YAML: cases/README.md says what may stand in one.

What a case does not name is healthy, and as a hook with the same values would have left it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from hooks.gluster.folders import FREE, Folder
from hooks.gluster.model import Brick, Observed, Peer, PeerView, Process, Removal, Status, Volume
from hooks.plan import upgrade
from hooks.plan.build import Policy, bricks_to_inspect
from hooks.plan.case import Case
from hooks.plan.drain import without_departed
from hooks.plan.state import HookState
from hooks.plan.upgrade import LivePeer
from hooks.values.model import BrickSpec, Node, Values
from hooks.values.parse import parse
from tests.support.values import merged

CASES = Path(__file__).parent / "cases"

Raw = Mapping[str, Any]

INPUTS = {"values", "pool", "state", "restarting", "policy", "release", "restart"}
EXPECTATIONS = {"differences", "steps", "refusals", "waits", "notes", "needed_by"}

BRICK = Folder(
    exists=True, is_folder=True, empty=False, has_files=True, volume_id="", parent_exists=True, on_root_disk=False
)
FOLDERS = {
    "absent": FREE,
    "empty": replace(BRICK, empty=True, has_files=False),
    "filled": BRICK,
    "a file": replace(BRICK, is_folder=False),
    "no directory": replace(FREE, parent_exists=False),
    "root disk": replace(FREE, on_root_disk=True),
}
VIEWS: dict[str, Raw] = {
    "healthy": {},
    "away": {"connected": False},
    "rejected": {"state": 6},
    "joining": {"state": 4},
}
STATES = {3: "Peer in Cluster", 4: "Accepted peer request", 6: "Peer Rejected"}
SELF_HEAL = "Self-heal Daemon"


class BadCase(Exception):
    """A case that cannot be read, with what is wrong."""


@dataclass(frozen=True)
class Release:
    """What an upgrade finds beside the pool: the peers' StatefulSets, and the network that the pool was made on."""

    peers: Mapping[str, LivePeer]
    network: str | None
    readable: bool


@dataclass(frozen=True)
class Restart:
    """A node whose peer is to restart, and by volume the bricks that something is pending on."""

    node: str
    unhealed: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Read:
    """A case, ready for the planner, with what it expects."""

    case: Case
    policy: Policy
    release: Release
    restart: Restart | None
    expected: Raw


@dataclass(frozen=True)
class Entry:
    """A case as it is written, with the values of its file."""

    file: str
    common: Raw
    raw: Raw

    def __str__(self) -> str:
        return f"{self.file}: {self.raw.get('name')}"


def entries() -> Iterator[Entry]:
    """All cases of all files."""
    for path in sorted(CASES.glob("*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        _known(content, {"rule", "values", "cases"}, path.name)
        for raw in content["cases"]:
            yield Entry(path.stem, content.get("values", {}), raw)


def read(entry: Entry) -> Read:
    """Make of a case what the planner takes. Raises BadCase, or ValuesError where its values are wrong."""
    raw = entry.raw
    _known(raw, {"name"} | INPUTS | EXPECTATIONS, "the case")
    if not raw.get("name"):
        raise BadCase("The case has no name.")
    expected = {key: raw[key] for key in EXPECTATIONS & raw.keys()}
    if not expected:
        raise BadCase(f"The case expects nothing: give one of {', '.join(sorted(EXPECTATIONS))}.")
    asked = {**entry.common, **raw.get("values", {})}
    pool = raw.get("pool", {})
    _known(pool, POOL, "pool")
    fresh = pool.get("made_from") == "nothing"
    values = values_of(asked)
    before = values_of({**asked, **({} if fresh else pool.get("made_from", {}))})
    members = {} if fresh else {node.name: _address(node) for node in before.nodes}
    volumes = () if fresh else tuple(_volumes(before, members, pool.get("volumes", {})))
    policy = _policy(raw.get("policy", "FULL"))
    if policy is not Policy.UPGRADE and ("release" in raw or "readable" in pool):
        raise BadCase("release and pool.readable go with `policy: UPGRADE`.")
    release = _release(before, members, raw.get("release", {}), pool.get("readable", True))
    restarting = {*raw.get("restarting", ())}
    if policy is Policy.UPGRADE:
        restarting |= upgrade.restarting(values, release.peers)
    case = Case(
        values,
        without_departed(values, _observed(values, members, volumes, pool)),
        _state(before, members, raw.get("state", {})),
        frozenset(restarting),
    )
    case = replace(case, pool=replace(case.pool, folders=_folders(case, pool.get("folders", {}))))
    return Read(case, policy, release, _restart(raw, case), expected)


def values_of(fragment: Raw) -> Values:
    """A fragment of values over the chart's defaults, checked."""
    return _parsed(json.dumps(fragment, sort_keys=True))


@cache
def _parsed(fragment: str) -> Values:
    return parse(merged(json.loads(fragment)))


def _policy(name: str) -> Policy:
    if name not in Policy.__members__:
        raise BadCase(f"policy {name}: use one of {', '.join(Policy.__members__)}.")
    return Policy[name]


def _address(node: Node) -> str:
    return node.address or _default_address(node.name)


def _default_address(name: str) -> str:
    if len(name) != 1 or not "a" <= name <= "z":
        raise BadCase(f"{name} is no node: nodes have one letter, a has the address 10.0.0.1 and the UUID uuid-a.")
    return f"10.0.0.{ord(name) - ord('a') + 1}"


VOLUME = {"started", "options", "bricks", "id"}


def _volumes(values: Values, members: Mapping[str, str], changes: Raw) -> Iterator[Volume]:
    """The volumes that values give, with a case's changes."""
    _known(changes, {spec.name for spec in values.volumes}, "pool.volumes")
    for spec in values.volumes:
        change = changes.get(spec.name, {})
        if change == "absent":
            continue
        _known(change, VOLUME, f"pool.volumes.{spec.name}")
        options = change.get("options", {})
        if texts := [key for key, value in options.items() if not isinstance(value, str)]:
            raise BadCase(f"pool.volumes.{spec.name}.options: quote the value of {', '.join(texts)}.")
        bricks = [BrickSpec.parse(text) for text in change.get("bricks", map(str, spec.bricks))]
        yield Volume(
            name=spec.name,
            id=change.get("id", f"id-{spec.name}"),
            started=change.get("started", True),
            replica=spec.replica + spec.arbiter or 1,
            arbiter=spec.arbiter,
            disperse=spec.disperse,
            redundancy=spec.redundancy,
            bricks=tuple(_live(brick, members) for brick in bricks),
            options=tuple({**dict(spec.options), **options}.items()),
        )


def _live(brick: BrickSpec, members: Mapping[str, str]) -> Brick:
    if brick.node not in members:
        raise BadCase(f"{brick} is on no member of the pool: its members are {', '.join(members)}.")
    return Brick(members[brick.node], brick.path, f"uuid-{brick.node}")


POOL = {
    "made_from",
    "readable",
    "peers",
    "away",
    "volumes",
    "offline",
    "daemons_offline",
    "rebalancing",
    "removing",
    "folders",
    "op_version",
    "taking_over",
}


def _observed(values: Values, members: Mapping[str, str], volumes: Sequence[Volume], pool: Raw) -> Observed:
    peers = pool.get("peers", {})
    away = pool.get("away", ())
    _known(peers, {node.name for node in values.nodes}, "pool.peers")
    _known(away, members, "pool.away")
    return Observed(
        peers=tuple(_peer(node, members, volumes, peers.get(node.name, {}), away) for node in values.nodes),
        status=_status(members, volumes, pool),
        op_version=str(pool.get("op_version", 110000)),
        taking_over=frozenset(pool.get("taking_over", ())),
    )


PEER = {"address", "uuid", "sees", "volumes", "alone", "asked", "at_address"}


def _peer(
    node: Node, members: Mapping[str, str], volumes: Sequence[Volume], change: Raw, away: Collection[str]
) -> Peer:
    _known(change, PEER, f"pool.peers.{node.name}")
    peer = Peer(
        name=node.name,
        address=change.get("address", _address(node)),
        uuid=change.get("uuid", f"uuid-{node.name}"),
        at_address=change.get("at_address", ""),
    )
    if node.name in away or change.get("asked") is False:
        return peer
    own = volumes if node.name in members and not change.get("alone") else ()
    if "volumes" in change:
        by_name = {volume.name: volume for volume in volumes}
        own = tuple(by_name.get(name) or _foreign(name) for name in change["volumes"])
    around = {} if change.get("alone") or node.name not in members else members
    views = {other: "away" if other in away else "healthy" for other in around if other != node.name}
    views |= change.get("sees", {})
    seen = tuple(_view(other, members, how) for other, how in views.items() if how != "missing")
    return replace(peer, views=seen, volumes=tuple(own))


def _foreign(name: str) -> Volume:
    return Volume(name, f"id-{name}", True, 1, 0, 0, 0, (), ())


def _view(node: str, members: Mapping[str, str], how: str | Raw) -> PeerView:
    if isinstance(how, str):
        if how not in VIEWS:
            raise BadCase(f"sees {node}: {how}: use one of {', '.join([*VIEWS, 'missing'])}, or a map.")
        how = VIEWS[how]
    _known(how, {"as", "uuid", "state", "connected"}, f"sees.{node}")
    state = how.get("state", 3)
    return PeerView(
        uuid=how.get("uuid", f"uuid-{node}"),
        hostnames=tuple(how.get("as", [members.get(node) or _default_address(node)])),
        connected=how.get("connected", True),
        state=state,
        state_text=STATES[state],
    )


def _status(members: Mapping[str, str], volumes: Sequence[Volume], pool: Raw) -> Status:
    """`volume status`: every brick of a started volume, and on every member a row of a daemon for what it heals."""
    started = [volume for volume in volumes if volume.started]
    offline = {*map(BrickSpec.parse, pool.get("offline", ()))}
    unserved = {(node, name) for node, names in pool.get("daemons_offline", {}).items() for name in names}
    bricks = {BrickSpec(brick.peer.removeprefix("uuid-"), brick.path) for v in started for brick in v.bricks}
    _known(map(str, offline), {*map(str, bricks)}, "pool.offline")
    rows = [(node, v.name) for v in started if v.set_size > 1 for node in members]
    _known(map(" ".join, unserved), {*map(" ".join, rows)}, "pool.daemons_offline")
    names = {volume.name for volume in volumes}
    _known(pool.get("rebalancing", ()), names, "pool.rebalancing")
    _known(pool.get("removing", {}), names, "pool.removing")
    away = pool.get("away", ())
    processes = [
        Process(v.name, b.host, b.path, b.peer, BrickSpec(node, b.path) not in offline, "49152", "1")
        for v in started
        for b in v.bricks
        for node in [b.peer.removeprefix("uuid-")]
        if node not in away
    ] + [
        Process(name, SELF_HEAL, members[node], f"uuid-{node}", (node, name) not in unserved, "", "1")
        for node, name in rows
        if node not in away
    ]
    removing = {name: _removal(found, members, name) for name, found in pool.get("removing", {}).items()}
    return Status(tuple(processes), frozenset(pool.get("rebalancing", ())), removing)


def _removal(found: Raw, members: Mapping[str, str], name: str) -> Removal:
    _known(found, {"bricks", "failed"}, f"pool.removing.{name}")
    bricks = tuple(str(_live(BrickSpec.parse(text), members)) for text in found["bricks"])
    return Removal(bricks, running=not found.get("failed", False), failed=found.get("failed", False))


def _state(before: Values, members: Mapping[str, str], changes: Raw) -> HookState:
    """What the hook recorded that brought the pool to the values `before`."""
    _known(changes, {field.name for field in dataclasses.fields(HookState)}, "state")
    uuids = {name: f"uuid-{name}" for name in members}
    options = {spec.name: tuple(key for key, _ in spec.options) for spec in before.volumes} if members else {}
    given = {key: _frozen(value) for key, value in changes.items()}
    return replace(HookState(uuids=uuids, options=options), **given)


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(value) if isinstance(value, list) else value


def _folders(case: Case, changes: Raw) -> dict[BrickSpec, Folder]:
    """The folders that the planner asks for: those of live bricks show their volume's id, others are free."""
    live = {brick: case.volumes[name].id for name, bricks in case.live.items() for brick in bricks}
    wanted = bricks_to_inspect(case)
    _known([brick.node for brick in wanted], case.addresses, "what the planner looks into")
    _known(changes, {*map(str, wanted)}, "pool.folders, of what the planner looks into")
    found = {brick: replace(BRICK, volume_id=live[brick]) if brick in live else FREE for brick in wanted}
    return found | {BrickSpec.parse(place): _folder(place, how) for place, how in changes.items()}


def _folder(place: str, how: str | Raw) -> Folder:
    if not isinstance(how, str):
        _known(how, {field.name for field in dataclasses.fields(Folder)}, f"pool.folders.{place}")
        return replace(BRICK, **how)
    if how not in FOLDERS:
        raise BadCase(f"{place}: {how}: use one of {', '.join(FOLDERS)}, or a map.")
    return FOLDERS[how]


def _release(before: Values, members: Mapping[str, str], changes: Raw, readable: bool) -> Release:
    _known(changes, {"peers", "network"}, "release")
    peers = {
        node.name: LivePeer(before.state_path, frozenset({before.state_path, *node.bricks}), ready=True, tls=before.tls)
        for node in before.nodes
        if node.name in members
    }
    _known(changes.get("peers", {}), peers, "release.peers")
    for name, change in changes.get("peers", {}).items():
        if change == "absent":
            del peers[name]
            continue
        _known(change, {"state", "ready", "tls"}, f"release.peers.{name}")
        peers[name] = replace(peers[name], **change)
    network = upgrade.network_of(before) if members else None
    return Release(peers, changes.get("network", network), readable)


def _restart(raw: Raw, case: Case) -> Restart | None:
    if "restart" not in raw:
        if "needed_by" in raw:
            raise BadCase("needed_by goes with `restart`.")
        return None
    _known(raw, {"name", "values", "pool", "restart", "refusals", "needed_by"}, "a case with `restart`")
    _known(raw["restart"], {"node", "unhealed"}, "restart")
    _known([raw["restart"]["node"]], case.addresses, "restart.node")
    unhealed = {
        name: frozenset(f"{case.addresses[brick.node]}:{brick.path}" for brick in map(BrickSpec.parse, places))
        for name, places in raw["restart"].get("unhealed", {}).items()
    }
    return Restart(raw["restart"]["node"], unhealed)


def _known(given: Any, allowed: Collection[str], where: str) -> None:
    """Raise BadCase for keys, or items, that are not among those allowed."""
    if unknown := [str(key) for key in given if key not in allowed]:
        raise BadCase(f"{where}: {', '.join(unknown)} is unknown, use {', '.join(sorted(allowed)) or 'nothing'}.")
