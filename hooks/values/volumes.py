"""The second stage of checking values, for volumes: names, types, options and states (their bricks are in `bricks`).

If you change a sentence here, change it in the chart's validation/_volumes.tpl too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hooks.values.bricks import BrickFolders, bricks_of
from hooks.values.model import TLS_OPTIONS, TYPE_WORDS, Node, VolumeSpec

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_OPTION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.*-]*")
_OPTION_VALUE = re.compile(r"[!-~]+")

Raw = Mapping[str, Any]

CONFIRM = "yes-really-destroy-data"
"""The value of `confirm` with which a volume may be deleted."""


def deleted_of(raw: Iterable[Raw]) -> tuple[str, ...]:
    """Names of the volumes with `state: deleted`."""
    return tuple(volume["name"] for volume in raw if volume.get("state") == "deleted")


def volumes_of(
    raw: Iterable[Raw], nodes: Iterable[Node], common_options: Mapping[str, bool]
) -> tuple[tuple[VolumeSpec, ...], list[str]]:
    """The entries of `volumes` that keep the schema, with bricks on these nodes, and what is wrong with them.

    Volumes to delete are checked and left out: the live pool knows their bricks, not the values. A volume with a
    problem may lack bricks. If nodes share a name, the first counts. Every volume also gets `common_options`.
    """
    by_name: dict[str, Node] = {}
    for node in nodes:
        by_name.setdefault(node.name, node)
    volumes: list[VolumeSpec] = []
    problems: list[str] = []
    names: dict[str, str] = {}
    folders = BrickFolders()
    for i, volume in enumerate(raw):
        name = volume["name"]
        here = f"volumes[{i}] ({name})"
        problems += [*_name_problems(here, name), *_state_problems(here, volume)]
        if volume.get("state") == "deleted":
            problems += _same_name_problems(here, i, name, names)
            continue
        spec = _without_bricks(volume, common_options)
        type_problems = list(_type_problems(here, volume))
        size = 0 if type_problems else spec.set_size
        bricks, brick_problems = bricks_of(i, volume, size, by_name)
        whole = len(bricks) - len(bricks) % (size or 1)
        problems += type_problems
        problems += _option_problems(f"volumes[{i}].options ({name})", volume.get("options", {}))
        problems += brick_problems
        problems += _same_name_problems(here, i, name, names) or folders.problems(here, bricks[:whole])
        volumes.append(replace(spec, bricks=tuple(bricks[:whole]), left_over=tuple(bricks[whole:])))
    return tuple(volumes), problems


def _without_bricks(volume: Raw, common_options: Mapping[str, bool]) -> VolumeSpec:
    replica, arbiter, disperse, redundancy = (int(volume.get(word, 0)) for word in TYPE_WORDS)
    options = {**volume.get("options", {}), **common_options}
    return VolumeSpec(
        name=volume["name"],
        replica=2 if arbiter else replica,
        arbiter=arbiter,
        disperse=disperse,
        redundancy=redundancy,
        bricks=(),
        left_over=(),
        options=tuple((key, _option_text(value)) for key, value in sorted(options.items())),
    )


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


def _same_name_problems(here: str, i: int, name: str, names: dict[str, str]) -> list[str]:
    """`names` maps the volumes so far to their places; this one is added."""
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
