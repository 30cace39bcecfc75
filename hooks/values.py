"""The chart's values, checked and put into plain types. Pure: no cluster, no GlusterFS.

Two stages, as in the chart: the JSON schema first, then what a schema cannot say. The chart's `_validate.tpl` says the
second in the same words: `helm template` refuses what the hook would refuse. `tests/bad_values.yaml` is put to both.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft7Validator, ValidationError

CHART = Path(__file__).resolve().parent.parent / "charts" / "glusterfs"


class ValuesError(Exception):
    """Values that cannot be used. `problems` are sentences: what is wrong, with names and values, then what to do."""

    def __init__(self, problems: Iterable[str]):
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class Node:
    """An entry of `nodes`. `address` None means the node's own address; `bricks` are its brick directories."""

    name: str
    address: str | None
    bricks: tuple[str, ...]


@dataclass(frozen=True, order=True)
class BrickSpec:
    """A brick that values ask for: the node entry's name and the full folder, such as /mnt/brick1/newvol."""

    node: str
    path: str

    def __str__(self) -> str:
        return f"{self.node}:{self.path}"


@dataclass(frozen=True)
class VolumeSpec:
    """A volume that values ask for.

    `replica` counts the bricks with data: `replica: 3, arbiter: 1` is read as replica 2, arbiter 1, as gluster does. 0
    stands for "none" in all four numbers. `bricks` are whole sets in order, `left_over` those that fill no further set.
    """

    name: str
    replica: int
    arbiter: int
    disperse: int
    redundancy: int
    bricks: tuple[BrickSpec, ...]
    left_over: tuple[BrickSpec, ...]
    options: tuple[tuple[str, str], ...]

    @property
    def set_size(self) -> int:
        return self.disperse or self.replica + self.arbiter or 1

    @property
    def kind(self) -> str:
        """In gluster's own words: "replica 2 arbiter 1", "disperse 6 redundancy 2", "distributed"."""
        return _kind({word: getattr(self, word) for word in _TYPE_WORDS})


@dataclass(frozen=True)
class Values:
    """Everything the hook goes by."""

    nodes: tuple[Node, ...]
    volumes: tuple[VolumeSpec, ...]
    allow_root_disk_bricks: bool


def parse(raw: Mapping[str, Any]) -> Values:
    """Check whole values (see `load` and `merged`) and return them in plain types.

    Raises ValuesError with every problem of the schema or, where there is none, with every one of the second stage.
    """
    if problems := _schema_problems(raw):
        raise ValuesError(problems)
    checks = _Checks(raw)
    values = checks.values()
    if checks.problems:
        raise ValuesError(checks.problems)
    return values


def load(path: str | Path, defaults: bool = True) -> dict[str, Any]:
    """Read a values file and lay it over the chart's defaults (`defaults`), the way Helm does; not yet checked.

    Raises ValuesError, with file and line, when it cannot be read, is no YAML map or has a key twice.
    """
    try:
        found = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (it is a SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise ValuesError([f"{path} cannot be read: {error}"]) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}, line {mark.line + 1}, column {mark.column + 1}" if mark else str(path)
        raise ValuesError([f"{where}: {error.problem or error}: correct the YAML there."]) from error
    except yaml.YAMLError as error:
        raise ValuesError([f"{path} is no YAML: {error}"]) from error
    if found is None:
        found = {}
    if not isinstance(found, dict):
        raise ValuesError([f"{path} holds no map of values: begin with a key such as `nodes:`."])
    return merged(found) if defaults else found


def merged(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values laid over the chart's defaults as Helm does: maps key by key, lists as a whole, null removes a default."""
    return _merge(load(CHART / "values.yaml", defaults=False), values)


def fullname(values: Mapping[str, Any], release: str) -> str:
    """The start of the names of the chart's objects, as its helper `glusterfs.fullname` makes it of merged values."""
    name = values["nameOverride"] or "glusterfs"
    plain = name in release or ("gluster" in release and not values["nameOverride"])
    full = str(values["fullnameOverride"] or (release if plain else f"{release}-{name}"))
    if len(full) <= 40 and "." not in full:
        return full
    return f"{full.replace('.', '-')[:31].removesuffix('-')}-{hashlib.sha256(full.encode()).hexdigest()[:8]}"


def _merge(default: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    result = {key: value for key, value in default.items() if key not in values}
    for key, value in values.items():
        below = default.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            result[key] = _merge(below, value)
        elif value is not None or key not in default:
            result[key] = value
    return result


class _Loader(yaml.SafeLoader):
    """YAML as Helm reads it: keys are strings, no dates, no base 60, 1e6 is a number; and no key twice."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:  # type: ignore[override]
        node: yaml.MappingNode = super().compose_mapping_node(anchor)  # type: ignore[arg-type]
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.MarkedYAMLError(problem=f"{key.value} is there twice", problem_mark=key.start_mark)
                seen.add(key.value)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        self.flatten_mapping(node)
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        texts = [key if isinstance(key, str) else json.dumps(key) for key in keys]
        return {text: self.construct_object(value, deep) for text, (_, value) in zip(texts, node.value, strict=True)}


_INT = r"[-+]?(0b[01_]+|0o?[0-7_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*)$"
_FLOAT = r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?$|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$"
_REPLACED = {f"tag:yaml.org,2002:{kind}" for kind in ("bool", "int", "float", "timestamp")}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _REPLACED]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.bool_values = {**yaml.SafeLoader.bool_values, "y": True, "n": False}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool",
    re.compile(r"([yY]|[nN]|yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$"),
    list("yYnNtTfFoO"),
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(_INT), list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(_FLOAT), list("-+.0123456789"))


# The first stage: the schema, in readable words.


def _schema_problems(raw: Mapping[str, Any]) -> list[str]:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    errors = sorted(Draft7Validator(schema).iter_errors(raw), key=lambda error: list(map(str, error.absolute_path)))
    return [f"{_path(error, raw)}: {_schema_words(error)}" for error in errors]


def _path(error: ValidationError, raw: Any) -> str:
    """Where the error is, such as `volumes[0].replica (newvol)`."""
    where, name, entry = "", "", raw
    for part in error.absolute_path:
        where += f"[{part}]" if isinstance(part, int) else f".{part}" if where else str(part)
        entry = entry[part]
        if isinstance(part, int) and isinstance(entry, Mapping) and entry.get("name"):
            name = f" ({entry['name']})"
    return (where or "values") + name


def _schema_words(error: ValidationError) -> str:
    value: Any = error.instance
    rule: Any = error.validator_value
    schema: Any = error.schema
    match error.validator:
        case "additionalProperties":
            unknown = [key for key in value if key not in schema["properties"]]
            words = (
                f"unknown key{'s' * (len(unknown) > 1)} {_and(unknown)}: the keys here are {_and(schema['properties'])}"
            )
        case "type":
            kinds = " or ".join([rule] if isinstance(rule, str) else rule)
            words = f"{json.dumps(value, default=str)} is {_json_type(value)}, but has to be {kinds}"
        case "required":
            missing = [key for key in rule if key not in value]
            words = f"{_and(missing)} {'is' if len(missing) == 1 else 'are'} missing: set a value, null takes it away"
        case "enum":
            words = f"{json.dumps(value)} is not possible: use {' or '.join(map(str, rule))}"
        case "minimum":
            words = f"{value} is too little: use {rule} or more"
        case "minLength":
            words = "it is empty: set a value"
        case "maxLength":
            words = f"{value} has {len(value)} characters: use at most {rule}"
        case "uniqueItems":
            words = f"{json.dumps(value)} lists something twice: list it once"
        case _:
            words = error.message
    return f"{words}."


def _json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    names = {str: "string", int: "integer", float: "number", list: "array", dict: "object", type(None): "null"}
    return names.get(type(value), type(value).__name__)


# The second stage. Whoever changes a sentence here changes it in the chart's _validate.tpl too.

_TYPE_WORDS = ("replica", "arbiter", "disperse", "redundancy")
_DNS_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(\.{_OCTET}){{3}}")
_LOOPBACK = re.compile(r"localhost(\..*)?|127\..*|0\.0\.0\.0|::1")
_PATH = re.compile(r"(/[A-Za-z0-9._+@=-]+)+")
_DOTS = re.compile(r"/\.\.?(/|$)")
_SYSTEM = re.compile(
    r"/|/(bin|boot|dev|etc|lib|lib64|proc|run|sbin|sys|usr)(/.*)?|/var(/(cache|lib|log|tmp))?"
    r"|/var/(run|lib/glusterd|log/glusterfs)(/.*)?"
)
_VOLUME_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_LAYOUT = re.compile(r"[^:]+:[^:]+")
_OPTION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.*-]*")
_OPTION_VALUE = re.compile(r"[!-~]+")


class _Checks:
    """Goes through values that keep the schema, and collects the problems on the way."""

    def __init__(self, raw: Mapping[str, Any]):
        self.raw = raw
        self.problems: list[str] = []
        self.folders: dict[str, str] = {}
        self.parents: dict[str, str] = {}

    def say(self, problem: str) -> None:
        self.problems.append(problem)

    def values(self) -> Values:
        nodes = self.nodes()
        by_name: dict[str, Node] = {}
        for node in nodes:
            by_name.setdefault(node.name, node)
        volumes = self.volumes(by_name)
        return Values(nodes, volumes, self.raw["allowRootDiskBricks"])

    def nodes(self) -> tuple[Node, ...]:
        raw = self.raw
        if not _is_plain_path(raw["statePath"]):
            self.say(f"statePath: {raw['statePath']} {_PLAIN_PATH_WANTED}, such as /var/lib/glusterd.")
        self.brick_directories("bricks", "", raw["bricks"])
        if not raw["nodes"]:
            self.say("nodes: there is none: list the nodes that hold bricks, such as `nodes: [{name: worker-1}]`.")
        names: dict[str, str] = {}
        addresses: dict[str, str] = {}
        selectors: dict[str, str] = {}
        for i, node in enumerate(raw["nodes"]):
            name = node["name"]
            here = f"nodes[{i}] ({name})"
            if name in names:
                self.say(f"{here}: {names[name]} has this name too: remove one of them, a node is listed once.")
                continue
            names[name] = f"nodes[{i}]"
            if not _DNS_NAME.fullmatch(name):
                self.say(f"{here}: this is no name of a Kubernetes node: take it from `kubectl get nodes`.")
            self.address(here, node.get("address"), addresses)
            self.selector(here, node, selectors)
            if "bricks" in node:
                self.brick_directories(f"nodes[{i}].bricks", f" ({name})", node["bricks"])
        return tuple(
            Node(node["name"], node.get("address") or None, tuple(node.get("bricks", raw["bricks"])))
            for node in raw["nodes"]
        )

    def address(self, here: str, address: str | None, taken: dict[str, str]) -> None:
        if not address:
            return
        if _LOOPBACK.fullmatch(address):
            self.say(
                f"{here}: address {address} means each node itself, no other peer finds it: "
                "give the one that the others reach, or leave it out for the node's own."
            )
        elif not (_IPV4 if re.fullmatch(r"[0-9.]+", address) else _DNS_NAME).fullmatch(address):
            self.say(
                f"{here}: address {address} is neither an IPv4 address nor a DNS name: "
                "write it like 192.168.58.21 or worker-1.storage.example, without a port."
            )
        elif address in taken:
            self.say(f"{here}: address {address} is that of {taken[address]} too: give each node its own.")
        else:
            taken[address] = here

    def selector(self, here: str, node: Mapping[str, Any], taken: dict[str, str]) -> None:
        selector = node.get("nodeSelector") or {"kubernetes.io/hostname": node["name"]}
        if not node.get("nodeSelector") and len(node["name"]) > 63:
            self.say(f"{here}: a label holds at most 63 characters, so the name finds no node: add a nodeSelector.")
        labels = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
        if labels in taken:
            self.say(
                f"{here}: nodeSelector {labels} is that of {taken[labels]} too, so both peers could land on one node: "
                "give each node a label of its own."
            )
        else:
            taken[labels] = here

    def brick_directories(self, where: str, name: str, paths: Sequence[str]) -> None:
        state = self.raw["statePath"]
        for i, path in enumerate(paths):
            here = f"{where}[{i}]{name}"
            others = [(j, other) for j, other in enumerate(paths[:i]) if _overlap(path, other)]
            if _SYSTEM.fullmatch(path):
                self.say(f"{here}: {path} belongs to the system: give bricks a directory such as /mnt/brick1.")
            elif not _is_plain_path(path):
                self.say(f"{here}: {path} {_PLAIN_PATH_WANTED}, such as /mnt/brick1.")
            elif _overlap(path, state):
                self.say(f"{here}: {path} and statePath {state} lie one in the other: keep them apart.")
            elif others:
                j, other = others[0]
                self.say(f"{here}: {path} and {where}[{j}] {other} lie one in the other: use directories side by side.")

    def volumes(self, nodes: Mapping[str, Node]) -> tuple[VolumeSpec, ...]:
        names: dict[str, str] = {}
        volumes = []
        for i, volume in enumerate(self.raw["volumes"]):
            name = volume["name"]
            here = f"volumes[{i}] ({name})"
            if not _VOLUME_NAME.fullmatch(name):
                self.say(f"{here}: gluster takes no such name: use letters, digits, _ and -, a letter or digit first.")
            if name == "all":
                self.say(f"{here}: `all` means every volume to gluster: choose another name.")
            size = self.set_size(here, volume)
            self.options(i, volume)
            bricks: list[BrickSpec] = []
            if nodes and volume.get("layout"):
                bricks = self.layout(i, volume, size, nodes)
            elif nodes:
                bricks = self.cut(here, volume, size, nodes)
            whole = len(bricks) - len(bricks) % (size or 1)
            if name in names:
                self.say(f"{here}: {names[name]} has this name too: give each volume its own.")
            else:
                names[name] = f"volumes[{i}]"
                self.own_folders(here, bricks[:whole])
            volumes.append(_volume(volume, tuple(bricks[:whole]), tuple(bricks[whole:])))
        return tuple(volumes)

    def set_size(self, here: str, volume: Mapping[str, Any]) -> int:
        """Bricks of a set; 0 when the volume's type makes no sense."""
        replica, arbiter, disperse, redundancy = (int(volume.get(word, 0)) for word in _TYPE_WORDS)
        if replica and (disperse or redundancy):
            self.say(f"{here}: replica and disperse are two types of volume: leave one out.")
        elif arbiter and not replica:
            self.say(f"{here}: arbiter needs replica: add `replica: 2`.")
        elif arbiter and replica > 3:
            self.say(f"{here}: an arbiter goes with two copies, not with replica {replica}: use `replica: 2`.")
        elif disperse and not redundancy:
            self.say(f"{here}: disperse needs redundancy: say how many bricks of a set may fail: add `redundancy: 1`.")
        elif redundancy and not disperse:
            self.say(f"{here}: redundancy needs disperse: say how many bricks a set has: add `disperse: 3`.")
        elif disperse and disperse <= 2 * redundancy:
            self.say(
                f"{here}: disperse {disperse} is too little for redundancy {redundancy}: "
                f"use `disperse: {2 * redundancy + 1}` or more, or less redundancy."
            )
        else:
            return disperse or (3 if arbiter else replica) or 1
        return 0

    def options(self, i: int, volume: Mapping[str, Any]) -> None:
        here = f"volumes[{i}].options ({volume['name']})"
        for key, value in sorted(volume.get("options", {}).items()):
            if key == "group":
                self.say(f"{here}: group is a list of options, not an option: list what it stands for instead.")
            elif not _OPTION_NAME.fullmatch(key):
                self.say(f'{here}: "{key}" is no name of an option: write it like performance.cache-size.')
            elif isinstance(value, str) and not _OPTION_VALUE.fullmatch(value):
                self.say(
                    f'{here}: gluster takes no value "{value}" for {key}: '
                    "use one word of plain characters, or leave the option out for gluster's default."
                )

    def layout(self, i: int, volume: Mapping[str, Any], size: int, nodes: Mapping[str, Node]) -> list[BrickSpec]:
        here = f"volumes[{i}] ({volume['name']})"
        entries, kind = volume["layout"], _kind(volume)
        before = len(self.problems)
        if volume.get("nodes") or volume.get("bricks"):
            self.say(f"{here}: layout names the exact bricks: leave out nodes and bricks, or leave out layout.")
        for j, entry in enumerate(entries):
            self.layout_entry(f"volumes[{i}].layout[{j}] ({volume['name']})", entry, nodes, volume["name"])
        if size and len(entries) % size:
            less = len(entries) - len(entries) % size
            self.say(
                f"{here}: layout has {_count(len(entries), 'brick')}, but {kind} takes {size} at a time: "
                f"list {f'{less} or ' if less else ''}{less + size}."
            )
        if not size or len(self.problems) > before:
            return []
        bricks = [BrickSpec(*entry.split(":")) for entry in entries]
        self.sets(here, kind, size, bricks, "put them into different sets or on different nodes.")
        return bricks

    def layout_entry(self, here: str, entry: str, nodes: Mapping[str, Node], volume: str) -> None:
        if not _LAYOUT.fullmatch(entry):
            self.say(f"{here}: {entry} is no <node>:<directory>: write it like worker-1:/mnt/brick1/{volume}.")
            return
        name, path = entry.split(":")
        if name not in nodes:
            self.say(f"{here}: {name} is {_NOT_IN_NODES} {_and(nodes)}.")
        elif not _is_plain_path(path):
            self.say(f"{here}: {path} {_PLAIN_PATH_WANTED}, such as /mnt/brick1/{volume}.")
        elif path in nodes[name].bricks:
            self.say(f"{here}: {path} is the whole brick directory: use a folder in it, such as {path}/{volume}.")
        elif not any(path.startswith(f"{brick}/") for brick in nodes[name].bricks):
            self.say(
                f"{here}: {path} lies in no brick directory of {name}: "
                f"use a folder in one of those it has ({_and(nodes[name].bricks) or 'none'})."
            )

    def cut(self, here: str, volume: Mapping[str, Any], size: int, nodes: Mapping[str, Node]) -> list[BrickSpec]:
        kind = _kind(volume)
        before = len(self.problems)
        chosen = volume.get("nodes") or list(nodes)
        for name in chosen:
            if name not in nodes:
                self.say(f"{here}: {name} is {_NOT_IN_NODES} {_and(nodes)}.")
        chosen = [name for name in chosen if name in nodes]
        present = list(dict.fromkeys(path for name in chosen for path in nodes[name].bricks))
        paths = volume.get("bricks") or present
        for path in paths:
            if path not in present:
                self.say(
                    f"{here}: none of its nodes has the brick directory {path}: "
                    f"add it to their bricks or use those there are ({_and(present) or 'none'})."
                )
        if not size or len(self.problems) > before:
            return []
        pairs = [(path, name) for path in paths for name in chosen if path in nodes[name].bricks]
        bricks = [BrickSpec(name, f"{path}/{volume['name']}") for path, name in pairs]
        holders = list(dict.fromkeys(brick.node for brick in bricks))
        if not holders:
            self.say(f"{here}: none of its nodes has a brick directory: list some in `bricks`.")
        elif len(holders) < size:
            subject = f"node {holders[0]} gives" if len(holders) == 1 else f"nodes {_and(holders)} give"
            remedy = f"add {_count(size - len(holders), 'node')}"
            if volume.get("replica") and not volume.get("arbiter") and len(holders) > 1:
                remedy += f" or use replica {len(holders)}"
            self.say(f"{here}: {kind} needs {size} bricks on different nodes, but {subject} {len(holders)}: {remedy}.")
        else:
            self.sets(here, kind, size, bricks, "list `layout` in an order that works, or change nodes or bricks.")
        return bricks

    def sets(self, here: str, kind: str, size: int, bricks: Sequence[BrickSpec], remedy: str) -> None:
        """No node may hold two bricks of one set; the first such set is named."""
        for number in range(1, len(bricks) // size + 1):
            holder: dict[str, str] = {}
            for brick in bricks[(number - 1) * size : number * size]:
                if brick.node in holder:
                    self.say(
                        f"{here}: set {number} of {kind} has two bricks on {brick.node}, {holder[brick.node]} "
                        f"and {brick.path}, and would lose both with it: {remedy}"
                    )
                    return
                holder[brick.node] = brick.path

    def own_folders(self, here: str, bricks: Iterable[BrickSpec]) -> None:
        """No brick may have the folder of another one or lie inside it."""
        for brick in bricks:
            above = [f"{brick.node}:{parent}" for parent in Path(brick.path).parents]
            inside = [self.folders[folder] for folder in (str(brick), *above) if folder in self.folders]
            taken = inside[0] if inside else self.parents.get(str(brick))
            if taken:
                self.say(f"{here}: brick {brick} shares its folder with {taken}: give each brick a folder of its own.")
                continue
            owner = f"{brick} of {here}"
            self.folders[str(brick)] = owner
            for folder in above:
                self.parents.setdefault(folder, owner)


_PLAIN_PATH_WANTED = (
    "is no plain absolute path: write letters, digits and any of ._+@=- between slashes, none at the end"
)
_NOT_IN_NODES = "not in `nodes`: correct the name or add the node; there are"


def _volume(raw: Mapping[str, Any], bricks: tuple[BrickSpec, ...], left_over: tuple[BrickSpec, ...]) -> VolumeSpec:
    replica, arbiter, disperse, redundancy = (int(raw.get(word, 0)) for word in _TYPE_WORDS)
    options = tuple((key, _option_text(value)) for key, value in sorted(raw.get("options", {}).items()))
    data_bricks = 2 if arbiter else replica
    return VolumeSpec(raw["name"], data_bricks, arbiter, disperse, redundancy, bricks, left_over, options)


def _is_plain_path(path: str) -> bool:
    return bool(_PATH.fullmatch(path)) and not _DOTS.search(path)


def _overlap(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def _kind(numbers: Mapping[str, Any]) -> str:
    return " ".join(f"{word} {int(numbers[word])}" for word in _TYPE_WORDS if numbers.get(word)) or "distributed"


def _option_text(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
    return str(value)


def _count(number: int, noun: str) -> str:
    if number == 1:
        return f"a {noun}"
    return f"{number} {noun}s"


def _and(these: Iterable[str]) -> str:
    *others, last = [*these] or [""]
    return f"{', '.join(others)} and {last}" if others else last
