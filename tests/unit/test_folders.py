"""What is found in real folders."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hooks.gluster.folders import FREE, inspect
from hooks.values.model import BrickSpec
from tests.unit.here import Here


def test_what_lies_in_folders(tmp_path: Path) -> None:
    for name in ("one/empty", "one/gluster's/.glusterfs", "other/files"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "other/files/file").touch()
    (tmp_path / "other/file").touch()
    (tmp_path / "other/nowhere").symlink_to("nothing")
    names = ("one/absent", "one/empty", "one/gluster's", "other/files", "other/file", "other/nowhere", "none/absent")
    bricks = {name: BrickSpec("here", str(tmp_path / name)) for name in names}
    looked = inspect(Here(), "here", list(bricks.values()))
    found = {name: replace(looked[brick], on_root_disk=False) for name, brick in bricks.items()}
    folder = replace(FREE, exists=True, is_folder=True)
    assert found == {
        "one/absent": FREE,
        "one/empty": replace(folder, empty=True),
        "one/gluster's": folder,
        "other/files": replace(folder, has_files=True),
        "other/file": replace(FREE, exists=True),
        "other/nowhere": replace(FREE, exists=True),
        "none/absent": replace(FREE, parent_exists=False),
    }
