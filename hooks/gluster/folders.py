"""What lies in a brick's folder on its node, before a volume is created there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hooks.gluster import scripts
from hooks.gluster.runner import ExecResult, PeerUnavailable, Runner
from hooks.values.model import BrickSpec


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
    return parse_inspection(node, bricks, runner.run(node, ["timeout", "60", *inspect_command(bricks)], timeout=70))


def inspect_command(bricks: Sequence[BrickSpec]) -> list[str]:
    """The command that looks into the folders of `bricks`, whose result is for `parse_inspection`."""
    return scripts.argv("inspect-folders.sh", *(brick.path for brick in bricks))


def parse_inspection(node: str, bricks: Sequence[BrickSpec], result: ExecResult) -> dict[BrickSpec, Folder]:
    """The folders out of what `inspect_command` printed on `node`. Raises PeerUnavailable when it failed."""
    lines = result.stdout.splitlines()
    if result.exit_code or len(lines) != len(bricks):
        raise PeerUnavailable(f"The brick folders on {node} cannot be read: {result.stderr.strip() or result.stdout}")
    return {brick: _folder(json.loads(line)) for brick, line in zip(bricks, lines, strict=True)}


def _folder(found: Mapping[str, Any]) -> Folder:
    digits = found["id"]
    return Folder(
        exists=found["kind"] != "absent",
        is_folder=found["kind"] in ("empty", "filled"),
        empty=found["kind"] == "empty",
        has_files=found["data"],
        volume_id="-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])) if digits else "",
        parent_exists=found["parent"],
        on_root_disk=found["root_disk"],
    )
