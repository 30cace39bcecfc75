"""What lies in a brick's folder on its node, before a volume is created there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from hooks.gluster.runner import ExecResult, PeerUnavailable, Runner
from hooks.values.model import BrickSpec

# One line of JSON a folder. getfattr is asked for hexadecimal text, which needs no quoting. What lies on the root disk
# has the device of the state folder or of /etc/hosts, a file of the kubelet's that is mounted into every container; or,
# where /var is a disk of its own, a brick directory whose place on its disk is its path on the node.
# Little is started for each folder: where thirty volumes are to be made, three `stat` on a node.
_SCRIPT = r"""
number() { stat -L -c %d "$1" 2>/dev/null || echo null; }
root="$(number /var/lib/glusterd), $(number /etc/hosts)"
for folder; do
  if [ "$directory" != "${folder%/*}" ]; then
    directory=${folder%/*} device=$(number "${folder%/*}") place=
    while read -r _ _ _ from at _; do [ "$at" = "$directory" ] && place=$from; done < /proc/self/mountinfo
  fi
  kind=absent id= data=no
  [ -L "$folder" ] || [ -e "$folder" ] && kind=other
  if [ -d "$folder" ]; then
    kind=empty
    id=$(getfattr --absolute-names --only-values -e hex -n trusted.glusterfs.volume-id "$folder" 2>/dev/null |
      od -An -v -tx1 | tr -d ' \n')
    [ -n "$(ls -A "$folder" | head -n 1)" ] && kind=filled
  fi
  [ $kind = filled ] && [ -n "$(find "$folder" -mindepth 1 -maxdepth 1 ! -name .glusterfs -print -quit)" ] && data=yes
  printf '{"kind": "%s", "id": "%s", "data": "%s", ' "$kind" "$id" "$data"
  printf '"place": "%s", "device": %s, "root": [%s]}\n' "$place" "$device" "$root"
done
"""


@dataclass(frozen=True)
class Folder:
    """A brick's folder. `volume_id` is the UUID that a volume left on it, "" if none."""

    exists: bool
    is_folder: bool
    empty: bool
    has_files: bool
    volume_id: str
    parent_exists: bool
    on_root_disk: bool


FREE = Folder(
    exists=False, is_folder=False, empty=False, has_files=False, volume_id="", parent_exists=True, on_root_disk=False
)
"""A folder that nothing is in the way of."""


def inspect(runner: Runner, node: str, bricks: Sequence[BrickSpec]) -> dict[BrickSpec, Folder]:
    """Look into the folders of `bricks`, all on `node`, with one exec. Raises PeerUnavailable when that fails."""
    return seen(node, bricks, runner.run(node, ["timeout", "60", *look(bricks)], timeout=70))


def look(bricks: Sequence[BrickSpec]) -> list[str]:
    """The command that looks into the folders of `bricks`, whose result is for `seen`."""
    return ["sh", "-c", _SCRIPT, "sh", *(brick.path for brick in bricks)]


def seen(node: str, bricks: Sequence[BrickSpec], result: ExecResult) -> dict[BrickSpec, Folder]:
    """What the command of `look` has seen on `node`. Raises PeerUnavailable when it failed or that is not all of it."""
    lines = result.stdout.splitlines()
    if result.exit_code or len(lines) != len(bricks):
        raise PeerUnavailable(f"The brick folders on {node} cannot be read: {result.stderr.strip() or result.stdout}")
    return {brick: _folder(brick, json.loads(line)) for brick, line in zip(bricks, lines, strict=True)}


def _folder(brick: BrickSpec, found: dict[str, object]) -> Folder:
    digits = str(found["id"])
    root = found["root"]
    assert isinstance(root, list)
    return Folder(
        exists=found["kind"] != "absent",
        is_folder=found["kind"] in ("empty", "filled"),
        empty=found["kind"] == "empty",
        has_files=found["data"] == "yes",
        volume_id="-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])) if digits else "",
        parent_exists=found["device"] is not None,
        on_root_disk=found["device"] in root or found["place"] == brick.path.rpartition("/")[0],
    )
