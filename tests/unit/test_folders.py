"""What the hook's scripts find in real folders."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hooks.plan_delete import FIND_FILE


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
