"""The second stage of checking values, for volumes: their bricks, and what a schema cannot say about them.

Whoever changes a sentence here changes it in the chart's _validate.tpl too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from hooks.text import amount, joined
from hooks.values.model import TLS_OPTIONS, TYPE_WORDS, BrickSpec, Node, VolumeSpec, type_words
from hooks.values.paths import PLAIN_PATH_WANTED, is_plain_path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_LAYOUT = re.compile(r"[^:]+:[^:]+")
_OPTION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.*-]*")
_OPTION_VALUE = re.compile(r"[!-~]+")
_NOT_IN_NODES = "not in `nodes`: correct the name or add the node; there are"

Raw = Mapping[str, Any]
Nodes = Mapping[str, Node]
BricksAndProblems = tuple[list[BrickSpec], list[str]]

CONFIRM = "yes-really-destroy-data"
"""What `confirm` must say before a volume is deleted."""


def deleted_of(raw: Iterable[Raw]) -> tuple[str, ...]:
    """Names of the volumes whose entries say `state: deleted`."""
    return tuple(volume["name"] for volume in raw if volume.get("state") == "deleted")


def volumes_of(
    raw: Iterable[Raw], nodes: Iterable[Node], tls: bool = False
) -> tuple[tuple[VolumeSpec, ...], list[str]]:
    """The entries of `volumes` that keep the schema, with bricks on these nodes, and what is wrong with them.

    Those that are to be deleted are checked and left out: their bricks are what the pool says, not what values give.
    Where a problem is named the volume's bricks may be missing. Of nodes with one name the first counts. With `tls`
    their options switch it on.
    """
    by_name: dict[str, Node] = {}
    for node in nodes:
        by_name.setdefault(node.name, node)
    volumes: list[VolumeSpec] = []
    problems: list[str] = []
    names: dict[str, str] = {}
    folders: dict[str, str] = {}
    parents: dict[str, str] = {}
    for i, volume in enumerate(raw):
        name = volume["name"]
        here = f"volumes[{i}] ({name})"
        problems += [*_name_problems(here, name), *_state_problems(here, volume)]
        if volume.get("state") == "deleted":
            problems += _twice(here, i, name, names)
            continue
        spec = _without_bricks(volume, tls)
        type_problems = list(_type_problems(here, volume))
        size = 0 if type_problems else spec.set_size
        problems += type_problems
        problems += _option_problems(f"volumes[{i}].options ({name})", volume.get("options", {}))
        bricks, brick_problems = _bricks(i, volume, size, by_name)
        problems += brick_problems
        whole = len(bricks) - len(bricks) % (size or 1)
        twice = _twice(here, i, name, names)
        problems += twice or _folder_problems(here, bricks[:whole], folders, parents)
        volumes.append(replace(spec, bricks=tuple(bricks[:whole]), left_over=tuple(bricks[whole:])))
    return tuple(volumes), problems


def _without_bricks(volume: Raw, tls: bool) -> VolumeSpec:
    replica, arbiter, disperse, redundancy = (int(volume.get(word, 0)) for word in TYPE_WORDS)
    wanted = {**volume.get("options", {}), **(dict.fromkeys(TLS_OPTIONS, True) if tls else {})}
    options = tuple((key, _option_text(value)) for key, value in sorted(wanted.items()))
    return VolumeSpec(volume["name"], 2 if arbiter else replica, arbiter, disperse, redundancy, (), (), options)


def _option_text(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
    return str(value)


def _name_problems(here: str, name: str) -> Iterator[str]:
    if not _NAME.fullmatch(name):
        yield f"{here}: gluster takes no such name: use letters, digits, _ and -, a letter or digit first."
    if name == "all":
        yield f"{here}: `all` means every volume to gluster: choose another name."


def _twice(here: str, i: int, name: str, names: dict[str, str]) -> list[str]:
    """`names` has the volumes so far, with where they are; this one is added."""
    if name in names:
        return [f"{here}: {names[name]} has this name too: give each volume its own."]
    names[name] = f"volumes[{i}]"
    return []


def _state_problems(here: str, volume: Raw) -> Iterator[str]:
    if volume.get("state") == "deleted" and volume.get("confirm") != CONFIRM:
        yield f"{here}: `state: deleted` destroys its data: add `confirm: {CONFIRM}`, or leave `state` out to keep it."
    elif volume.get("state") != "deleted" and "confirm" in volume:
        yield f"{here}: confirm goes with `state: deleted`: leave it out."


def _type_problems(here: str, volume: Raw) -> Iterator[str]:
    replica, arbiter, disperse, redundancy = (int(volume.get(word, 0)) for word in TYPE_WORDS)
    if replica and (disperse or redundancy):
        yield f"{here}: replica and disperse are two types of volume: leave one out."
    elif arbiter and not replica:
        yield f"{here}: arbiter needs replica: add `replica: 2`."
    elif arbiter and replica > 3:
        yield f"{here}: an arbiter goes with two copies, not with replica {replica}: use `replica: 2`."
    elif disperse and not redundancy:
        yield f"{here}: disperse needs redundancy: say how many bricks of a set may fail: add `redundancy: 1`."
    elif redundancy and not disperse:
        yield f"{here}: redundancy needs disperse: say how many bricks a set has: add `disperse: 3`."
    elif disperse and disperse <= 2 * redundancy:
        yield (
            f"{here}: disperse {disperse} is too little for redundancy {redundancy}: "
            f"use `disperse: {2 * redundancy + 1}` or more, or less redundancy."
        )


def _option_problems(here: str, options: Raw) -> Iterator[str]:
    for key, value in sorted(options.items()):
        if key == "group":
            yield f"{here}: group is a list of options, not an option: list what it stands for instead."
        elif key in TLS_OPTIONS:
            yield f"{here}: {key} is what `tls.enabled` says, of all volumes: leave it out."
        elif not _OPTION_NAME.fullmatch(key):
            yield f'{here}: "{key}" is no name of an option: write it like performance.cache-size.'
        elif isinstance(value, str) and not _OPTION_VALUE.fullmatch(value):
            yield (
                f'{here}: gluster takes no value "{value}" for {key}: '
                "use one word of plain characters, or leave the option out for gluster's default."
            )


def _bricks(i: int, volume: Raw, size: int, nodes: Nodes) -> BricksAndProblems:
    """The bricks in order and what is wrong with them; none without nodes, which is said of the nodes already."""
    if not nodes:
        return [], []
    if volume.get("layout"):
        return _layout(i, volume, size, nodes)
    return _cut(f"volumes[{i}] ({volume['name']})", volume, size, nodes)


def _layout(i: int, volume: Raw, size: int, nodes: Nodes) -> BricksAndProblems:
    """The bricks that `layout` names."""
    name, entries, kind = volume["name"], volume["layout"], type_words(volume)
    here = f"volumes[{i}] ({name})"
    problems: list[str] = []
    if volume.get("nodes") or volume.get("bricks"):
        problems.append(f"{here}: layout names the exact bricks: leave out nodes and bricks, or leave out layout.")
    for j, entry in enumerate(entries):
        problems += _entry_problems(f"volumes[{i}].layout[{j}] ({name})", entry, nodes, name)
    if size and len(entries) % size:
        less = len(entries) - len(entries) % size
        problems.append(
            f"{here}: layout has {amount(len(entries), 'brick')}, but {kind} takes {size} at a time: "
            f"list {f'{less} or ' if less else ''}{less + size}."
        )
    if problems or not size:
        return [], problems
    bricks = [BrickSpec(*entry.split(":")) for entry in entries]
    return bricks, list(_set_problems(here, kind, size, bricks, "put them into different sets or on different nodes."))


def _entry_problems(here: str, entry: str, nodes: Nodes, volume: str) -> Iterator[str]:
    if not _LAYOUT.fullmatch(entry):
        yield f"{here}: {entry} is no <node>:<directory>: write it like worker-1:/mnt/brick1/{volume}."
        return
    name, path = entry.split(":")
    if name not in nodes:
        yield f"{here}: {name} is {_NOT_IN_NODES} {joined(nodes)}."
    elif nodes[name].drained:
        yield f"{here}: {name} is drained: name a brick of another node."
    elif not is_plain_path(path):
        yield f"{here}: {path} {PLAIN_PATH_WANTED}, such as /mnt/brick1/{volume}."
    elif path in nodes[name].bricks:
        yield f"{here}: {path} is the whole brick directory: use a folder in it, such as {path}/{volume}."
    elif not any(path.startswith(f"{brick}/") for brick in nodes[name].bricks):
        yield (
            f"{here}: {path} lies in no brick directory of {name}: "
            f"use a folder in one of those it has ({joined(nodes[name].bricks) or 'none'})."
        )


def _cut(here: str, volume: Raw, size: int, nodes: Nodes) -> BricksAndProblems:
    """The bricks of a volume without `layout`: brick directories are the outer loop, nodes the inner one."""
    kind = type_words(volume)
    wanted = volume.get("nodes") or list(nodes)
    problems = [f"{here}: {name} is {_NOT_IN_NODES} {joined(nodes)}." for name in wanted if name not in nodes]
    chosen = [nodes[name] for name in wanted if name in nodes and not nodes[name].drained]
    present = list(dict.fromkeys(path for node in chosen for path in node.bricks))
    paths = volume.get("bricks") or present
    problems += [
        f"{here}: none of its nodes has the brick directory {path}: "
        f"add it to their bricks or use those there are ({joined(present) or 'none'})."
        for path in paths
        if path not in present
    ]
    if problems or not size:
        return [], problems
    bricks = [BrickSpec(n.name, f"{path}/{volume['name']}") for path in paths for n in chosen if path in n.bricks]
    holders = list(dict.fromkeys(brick.node for brick in bricks))
    if not holders:
        problems.append(f"{here}: none of its nodes has a brick directory: list some in `bricks`.")
    elif len(holders) < size:
        subject = f"node {holders[0]} gives" if len(holders) == 1 else f"nodes {joined(holders)} give"
        remedy = f"add {amount(size - len(holders), 'node')}"
        if volume.get("replica") and not volume.get("arbiter") and len(holders) > 1:
            remedy += f" or use replica {len(holders)}"
        problems.append(
            f"{here}: {kind} needs {size} bricks on different nodes, but {subject} {len(holders)}: {remedy}."
        )
    else:
        remedy = "list `layout` in an order that works, or change nodes or bricks."
        problems += _set_problems(here, kind, size, bricks, remedy)
    return bricks, problems


def _set_problems(here: str, kind: str, size: int, bricks: Sequence[BrickSpec], remedy: str) -> Iterator[str]:
    """No node may hold two bricks of one set; the first such set is named."""
    for number in range(1, len(bricks) // size + 1):
        holder: dict[str, str] = {}
        for brick in bricks[(number - 1) * size : number * size]:
            if brick.node in holder:
                yield (
                    f"{here}: set {number} of {kind} has two bricks on {brick.node}, {holder[brick.node]} "
                    f"and {brick.path}, and would lose both with it: {remedy}"
                )
                return
            holder[brick.node] = brick.path


def _folder_problems(
    here: str, bricks: Iterable[BrickSpec], folders: dict[str, str], parents: dict[str, str]
) -> Iterator[str]:
    """No brick may have the folder of another one or lie inside it.

    `folders` has the bricks so far and `parents` all folders above them, with whose they are; these are added.
    """
    for brick in bricks:
        above = [f"{brick.node}:{parent}" for parent in Path(brick.path).parents]
        inside = [folders[folder] for folder in (str(brick), *above) if folder in folders]
        taken = inside[0] if inside else parents.get(str(brick))
        if taken:
            yield f"{here}: brick {brick} shares its folder with {taken}: give each brick a folder of its own."
            continue
        owner = f"{brick} of {here}"
        folders[str(brick)] = owner
        for folder in above:
            parents.setdefault(folder, owner)
