"""What values ask for, in plain types.

`values_file` reads values, `values_parse` checks them (`values_schema`, then `values_nodes`, `values_volumes` and
`values_claims`) and makes these types of them, `values_names` names the chart's objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

TLS_OPTIONS = ("client.ssl", "server.ssl")
"""What a volume of a pool with TLS has state_path_changed on before its first start."""
TYPE_WORDS = ("replica", "arbiter", "disperse", "redundancy")


class ValuesError(Exception):
    """Values that cannot be used. `problems` are sentences: what is wrong, with names and values, then what to do."""

    def __init__(self, problems: Iterable[str]):
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class Node:
    """An entry of `nodes`. `address` None means the node's own address; `bricks` are its brick directories.

    `rebuild` is a word that authorises one rebuild of the peer, "" none. A `drained` node is to leave the pool.
    """

    name: str
    address: str | None
    bricks: tuple[str, ...]
    rebuild: str = ""
    drained: bool = False


@dataclass(frozen=True, order=True)
class BrickSpec:
    """A brick that values ask for: the node entry's name and the full folder, such as /mnt/brick1/newvol."""

    node: str
    path: str

    def __str__(self) -> str:
        return f"{self.node}:{self.path}"

    @classmethod
    def parse(cls, text: str) -> BrickSpec:
        """The brick that `str` writes as node:path."""
        return cls(*text.split(":", 1))


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
        """Bricks of one set; 1 for a distributed volume."""
        return self.disperse or self.replica + self.arbiter or 1

    @property
    def kind(self) -> str:
        """In gluster's own words: "replica 2 arbiter 1", "disperse 6 redundancy 2", "distributed"."""
        return type_words({word: getattr(self, word) for word in TYPE_WORDS})


@dataclass(frozen=True)
class Values:
    """Everything the hook goes by. Without `host_network` peers are known by their pods' names in `cluster_domain`.

    `deleted` are the volumes whose data may be destroyed. `disk_usage_threshold` and `repair_rejected` are for the
    maintenance run. With `tls` each volume has TLS_OPTIONS among its own.
    """

    nodes: tuple[Node, ...]
    volumes: tuple[VolumeSpec, ...]
    allow_root_disk_bricks: bool
    allow_downtime: bool
    host_network: bool = True
    cluster_domain: str = "cluster.local"
    state_path: str = "/var/lib/glusterd"
    plan_only: bool = False
    deleted: tuple[str, ...] = ()
    disk_usage_threshold: int = 85
    repair_rejected: bool = False
    tls: bool = False

    @property
    def drained(self) -> frozenset[str]:
        """Nodes that are to leave the pool."""
        return frozenset(node.name for node in self.nodes if node.drained)


def type_words(numbers: Mapping[str, Any]) -> str:
    """A volume's type, of its numbers by `TYPE_WORDS` (missing or 0: none), as in "replica 2 arbiter 1"."""
    return " ".join(f"{word} {int(numbers[word])}" for word in TYPE_WORDS if numbers.get(word)) or "distributed"
