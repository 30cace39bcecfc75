"""What the hook's scripts find in real folders."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from hooks.gluster.folders import FREE, inspect
from hooks.gluster.runner import ExecResult
from hooks.plan.delete import FIND_FILE
from hooks.values.model import BrickSpec


class Here:
    """A Runner whose only peer is this machine."""

    execs = 0

    def run(self, peer: str, argv: Sequence[str], stdin: str = "", timeout: float = 60) -> ExecResult:
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
        return ExecResult(done.stdout, done.stderr, done.returncode)


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


def found(brick: Path) -> str:
    done = subprocess.run(["sh", "-c", FIND_FILE.format(path=brick)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def brick(tmp_path: Path) -> Path:
    """What a brick has when all data has left it: directories, gluster's own files, pointers to where files are."""
    (tmp_path / ".glusterfs/00").mkdir(parents=True)
    (tmp_path / ".glusterfs/00/file").write_text("gluster's own")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o1777)
    (tmp_path / "shared/pointer").touch()
    (tmp_path / "shared/pointer").chmod(0o1000)
    return tmp_path


def test_a_brick_without_data_has_no_file(brick: Path) -> None:
    assert found(brick) == ""


@pytest.mark.parametrize(
    ("mode", "text"), [(0o644, ""), (0o1777, "data"), (0o3644, "half moved"), (0o1000, "data"), (0o1755, "")]
)
def test_every_other_file_is_data(brick: Path, mode: int, text: str) -> None:
    file = brick / "shared/file"
    file.write_text(text)
    file.chmod(mode)
    assert found(brick) == str(file)


def test_what_is_no_regular_file_is_data_too(brick: Path) -> None:
    link = brick / "shared/link"
    link.symlink_to("nowhere")
    assert found(brick) == str(link)
