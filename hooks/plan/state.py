"""What the hook must know of its earlier runs, kept in the release's ConfigMap: no glusterd can tell it."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace

Names = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class HookState:
    """`uuids` of the nodes; by volume: `options` that the hook set, `claimed_bricks` that it found free and takes.

    `rebalancing` and `healing` are volumes whose bricks were added to, until the data has followed. Bricks by the id of
    the volume that they were of: `deleting` when it is deleted with its data, `retired_bricks` when their set has left
    it, until their folders are gone. `rebuilding` are nodes whose rebuild has begun, `rebuilt` by node the words used
    for one.
    """

    uuids: Mapping[str, str] = field(default_factory=dict)
    options: Names = field(default_factory=dict)
    claimed_bricks: Names = field(default_factory=dict)
    rebalancing: tuple[str, ...] = ()
    healing: tuple[str, ...] = ()
    deleting: Names = field(default_factory=dict)
    retired_bricks: Names = field(default_factory=dict)
    rebuilding: tuple[str, ...] = ()
    rebuilt: Names = field(default_factory=dict)

    def without_finished(self, rebalanced: Container[str], healed: Container[str]) -> HookState:
        """The same without the volumes whose rebalance or heal has ended."""
        return replace(
            self,
            rebalancing=tuple(name for name in self.rebalancing if name not in rebalanced),
            healing=tuple(name for name in self.healing if name not in healed),
        )

    def to_record(self) -> dict[str, str]:
        """Keys and texts for the ConfigMap."""
        work = {
            "claimedBricks": dict(self.claimed_bricks),
            "rebalancing": self.rebalancing,
            "healing": self.healing,
            "deleting": dict(self.deleting),
            "retiredBricks": dict(self.retired_bricks),
            "rebuilding": self.rebuilding,
        }
        return {
            "peers": json.dumps(dict(self.uuids), indent=1),
            "options": json.dumps(dict(self.options), indent=1),
            "unfinished": json.dumps(work, indent=1),
            "rebuilt": json.dumps(dict(self.rebuilt), indent=1),
        }

    @staticmethod
    def from_record(data: Mapping[str, str]) -> HookState:
        """Read what `to_record` wrote; keys that are missing are empty."""
        work = json.loads(data.get("unfinished", "{}"))
        return HookState(
            uuids=json.loads(data.get("peers", "{}")),
            options=_names(json.loads(data.get("options", "{}"))),
            claimed_bricks=_names(work.get("claimedBricks", {})),
            rebalancing=tuple(work.get("rebalancing", ())),
            healing=tuple(work.get("healing", ())),
            deleting=_names(work.get("deleting", {})),
            retired_bricks=_names(work.get("retiredBricks", {})),
            rebuilding=tuple(work.get("rebuilding", ())),
            rebuilt=_names(json.loads(data.get("rebuilt", "{}"))),
        )


@dataclass(frozen=True)
class MaintenanceState:
    """What a look after the pool leaves to the next one: by volume the entries that were `to_heal`, and nodes whose
    rejected peers were `repaired` and have not been seen in the pool since."""

    to_heal: Mapping[str, int] = field(default_factory=dict)
    repaired: tuple[str, ...] = ()

    def to_record(self) -> dict[str, str]:
        """Keys and texts for the ConfigMap."""
        return {"maintenanceState": json.dumps({"toHeal": dict(self.to_heal), "repaired": self.repaired}, indent=1)}

    @staticmethod
    def from_record(data: Mapping[str, str]) -> MaintenanceState:
        """Read what `to_record` wrote; keys that are missing are empty."""
        found = json.loads(data.get("maintenanceState", "{}"))
        return MaintenanceState(found.get("toHeal", {}), tuple(found.get("repaired", ())))


def _names(lists: Mapping[str, list[str]]) -> Names:
    return {volume: tuple(names) for volume, names in lists.items()}
