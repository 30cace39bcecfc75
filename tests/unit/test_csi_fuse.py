"""The FUSE process: how it is started and what is said of one that does not mount, with a program of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from csi.fuse import Fuse, NotMounted, Spec, read_servers
from tests.unit.csi_fakes import DRIVER, FakeKernel


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for glusterfs: a script that writes its arguments to a file beside it, then does what a test adds."""
    file = tmp_path / "bin" / "glusterfs"
    file.parent.mkdir()
    file.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$0.draft"; mv "$0.draft" "$0.arguments"\n')
    file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{file.parent}:/usr/bin:/bin")
    monkeypatch.setattr("csi.fuse.answering_first", list)
    return file


def add(program: Path, script: str) -> None:
    program.write_text(program.read_text() + script)


def test_it_is_told_what_to_mount_and_from_where(program: Path, tmp_path: Path) -> None:
    add(program, "exec sleep 100\n")
    spec, arguments = Spec("newvol", ("acl", "log-level=INFO")), program.with_name("glusterfs.arguments")

    class Mounts(FakeKernel):
        def changes(self, seconds: float) -> Iterator[None]:
            while not arguments.exists():
                yield
            self.add("0:1", "/", str(tmp_path), f"{DRIVER}:{spec.key}")
            yield

    kernel = Mounts()
    fuse = Fuse(DRIVER, lambda: ["one", "two"], kernel)
    process = fuse.start(spec, str(tmp_path))
    fuse.wait(process)
    assert process.popen.poll() is None
    process.end()
    assert arguments.read_text().split() == [
        "--no-daemon",
        "--process-name=fuse",
        "--log-file=/dev/stderr",
        "--log-level=WARNING",
        "--volfile-server=one",
        "--volfile-server=two",
        "--volfile-id=/newvol",
        f"--fs-display-name={DRIVER}:{spec.key}",
        "--fuse-mountopts=nosuid,nodev",
        "--acl",
        "--log-level=INFO",
        str(tmp_path),
    ]


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (
            "[2026] E [MSGID: 1] [m.c:1:f] 0-mgmt: failed to fetch volume file (key:/newvol)",
            "no server has a started volume",
        ),
        ("[2026] E [MSGID: 1] [m.c:1:f] 0-fuse: cannot open /dev/fuse", "0-fuse: cannot open /dev/fuse"),
        ("[2026] W [m.c:1:f] 0-x: something", "the FUSE client ended with exit code 7"),
    ],
)
def test_why_it_did_not_mount(program: Path, tmp_path: Path, log: str, words: str) -> None:
    add(program, f"echo '{log}' >&2\nexit 7\n")
    fuse = Fuse(DRIVER, lambda: ["one"], FakeKernel())
    with pytest.raises(NotMounted, match="The volume newvol is not mounted: ") as error:
        fuse.wait(fuse.start(Spec("newvol", ()), str(tmp_path)))
    assert words in str(error.value)


def test_servers_are_read_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "servers"
    file.write_text("a.b\nc.d\n")
    assert read_servers(file) == ["a.b", "c.d"]
