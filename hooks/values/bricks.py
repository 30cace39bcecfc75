"""The second stage of checking values, for bricks: in which order they are laid out, and what a schema cannot check.

If you change a sentence here, change it in the chart's validation/_bricks.tpl too. What a pool that has bricks still
lacks is in hooks.plan.bricks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hooks.text import amount, joined
from hooks.values.model import BrickSpec, Node, type_words
from hooks.values.paths import PLAIN_PATH_WANTED, is_plain_path

_LAYOUT = re.compile(r"[^:]+:[^:]+")
_NOT_IN_NODES = "not in `nodes`: correct the name or add the node; there are"

Raw = Mapping[str, Any]
Nodes = Mapping[str, Node]
BricksAndProblems = tuple[list[BrickSpec], list[str]]


def bricks_of(i: int, volume: Raw, size: int, nodes: Nodes) -> BricksAndProblems:
    """The bricks of `volumes[i]`, in order, for sets of `size` bricks, and what is wrong with them.

    `size` is 0 if the volume's type is wrong: then only names are checked. With a problem there may be no bricks.
    Without nodes there is neither: their lack is a problem of `nodes`.
    """
    if not nodes:
        return [], []
    if volume.get("layout"):
        return _listed(i, volume, size, nodes)
    return _derived(f"volumes[{i}] ({volume['name']})", volume, size, nodes)


class BrickFolders:
    """The folders of all bricks so far: no two bricks may share one, and none may lie inside another's."""

    def __init__(self) -> None:
        self._owners: dict[BrickSpec, str] = {}
        self._owners_below: dict[BrickSpec, str] = {}

    def problems(self, here: str, bricks: Iterable[BrickSpec]) -> Iterator[str]:
        """What is wrong with the folders of these bricks of the volume `here`; good ones are added."""
        for brick in bricks:
            above = [BrickSpec(brick.node, str(parent)) for parent in Path(brick.path).parents]
            around = [self._owners[folder] for folder in (brick, *above) if folder in self._owners]
            if other := around[0] if around else self._owners_below.get(brick):
                yield f"{here}: brick {brick} shares its folder with {other}: give each brick a folder of its own."
                continue
            owner = self._owners[brick] = f"{brick} of {here}"
            for folder in above:
                self._owners_below.setdefault(folder, owner)


def _listed(i: int, volume: Raw, size: int, nodes: Nodes) -> BricksAndProblems:
    """The bricks that `layout` lists."""
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
    bricks = [BrickSpec.parse(entry) for entry in entries]
    return bricks, list(_set_problems(here, kind, size, bricks, "put them into different sets or on different nodes."))


def _entry_problems(here: str, entry: str, nodes: Nodes, volume: str) -> Iterator[str]:
    if not _LAYOUT.fullmatch(entry):
        yield f"{here}: {entry} is no <node>:<directory>: write it like worker-1:/mnt/brick1/{volume}."
        return
    brick = BrickSpec.parse(entry)
    name, path = brick.node, brick.path
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


def _derived(here: str, volume: Raw, size: int, nodes: Nodes) -> BricksAndProblems:
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
