"""Scripts that look at or change a brick's folder: the real ones, each on a real folder in the state of the fake one.

What a script does depends on that state and its arguments alone, so that each of these is run once.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from hooks.gluster import scripts
from hooks.gluster.runner import ExecResult
from tests.unit.fake_pool.model import FakePeer

OWN, OTHER = "1" * 32, "2" * 32
_PROGRAMS = Path(__file__).with_name("bin")


@dataclass(frozen=True)
class State:
    """What is at a path, in the words of inspect-folders.sh."""

    kind: str
    id: str
    data: bool


def inspect_folders(peer: FakePeer, paths: Sequence[str]) -> ExecResult:
    lines = []
    for path in paths:
        folder = peer.folder(path)
        result, _ = _run("inspect-folders.sh", _state(peer, path))
        assert not result.exit_code, result.stderr
        found = {**json.loads(result.stdout), "parent": folder["parent"], "root_disk": folder["root_disk"]}
        lines.append(json.dumps({**found, "id": folder["id"] if found["id"] else ""}) + "\n")
    return ExecResult("".join(lines), "", 0)


def on_folder(name: str, peer: FakePeer, path: str, *arguments: str) -> ExecResult:
    """Run the script on what is at `path`, and take over what it left there. A volume's id is only its own or not."""
    folder = peer.folder(path)
    if name.startswith("remove-"):
        arguments = (OWN if arguments == (_dashed(str(folder["id"])),) else OTHER,)
    before = _state(peer, path)
    result, after = _run(name, before, *arguments)
    if after.kind == "absent" != before.kind:
        peer.empty(path)
    elif after != before:
        folder.update(kind=after.kind, id=folder["id"] if after.id else "")
    return ExecResult(result.stdout.replace("{path}", path), result.stderr.replace("{path}", path), result.exit_code)


def _state(peer: FakePeer, path: str) -> State:
    folder = peer.folder(path)
    return State(str(folder["kind"]), OWN if folder["id"] else "", peer.has_files(path))


def _dashed(digits: str) -> str:
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


@cache
def _run(name: str, state: State, *arguments: str) -> tuple[ExecResult, State]:
    """What the script prints, with {path} where the folder's path is, and the state in which it leaves the folder."""
    with TemporaryDirectory() as base:
        path, volume_id = Path(base) / "brick", Path(base) / "volume-id"
        if state.kind == "other":
            path.touch()
        elif state.kind != "absent":
            path.mkdir()
            if state.kind == "filled":
                (path / ".glusterfs/indices").mkdir(parents=True)
            if state.data:
                (path / "file").write_text("data")
        if state.id:
            volume_id.write_bytes(bytes.fromhex(state.id))
        environment = {**os.environ, "PATH": f"{_PROGRAMS}:{os.environ['PATH']}", "VOLUME_ID": str(volume_id)}
        argv = scripts.argv(name, str(path), *arguments)
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
        kind = "absent" if not path.exists() else state.kind
        left = volume_id.read_bytes().hex() if volume_id.exists() and kind != "absent" else ""
        after = State(kind, left, kind != "absent" and (path / "file").exists())
        output, errors = (text.replace(str(path), "{path}") for text in (done.stdout, done.stderr))
    return ExecResult(output, errors, done.returncode), after
