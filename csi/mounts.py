"""The kernel's mount table, and the few calls that change it. The one seam between the driver and the node.

Only `usage` accesses a FUSE mount by its path: that hangs while a volume's bricks are away.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
import select
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

MS_BIND, MS_PRIVATE = 4096, 1 << 18
MNT_DETACH, UMOUNT_NOFOLLOW = 2, 8
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Mount:
    """A line of /proc/self/mountinfo. `root` is the directory of the file system that is mounted at `path`."""

    id: int
    device: str
    root: str
    path: str
    kind: str
    source: str

    @property
    def directory(self) -> str:
        """`root` as the directory part of a volume handle."""
        return self.root.strip("/")


def parse(text: str) -> list[Mount]:
    """The mounts of a mountinfo text, oldest first; of several at one path the last one is seen."""
    mounts = []
    for line in text.splitlines():
        left, right = line.split(" - ", 1)
        number, _parent, device, root, path, *_ = left.split(" ")
        kind, source, *_ = right.split(" ")
        plain = [_unescaped(word) for word in (root, path, source)]
        mounts.append(Mount(int(number), device, plain[0], plain[1], kind, plain[2]))
    return mounts


def _unescaped(word: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found.group(1), 8)), word)


class Kernel(Protocol):
    """What the driver needs of the kernel."""

    def table(self) -> Sequence[Mount]:
        """The mounts of this mount namespace, oldest first."""

    def changes(self, seconds: float) -> Iterator[None]:
        """Yields at once, then after each change of the table, and after `seconds` without one."""

    def open_directory(self, mount: Mount, directory: str) -> int:
        """A file descriptor of a directory of a mounted volume.

        Raises OSError: ENOENT or ENOTDIR if there is none (symlinks are not followed), ENOTCONN if no brick answers,
        ESTALE if the mount is gone.
        """

    def bind(self, directory: int, target: str) -> None:
        """Mount an open directory at `target`, which is created, over what is mounted there. Raises OSError."""

    def usage(self, path: str) -> os.statvfs_result:
        """How full the volume at `path` is. Hangs while its bricks do not answer. Raises OSError."""

    def detach(self, target: str) -> None:
        """Unmount the topmost mount at `target`, even if it is in use (MNT_DETACH). Raises OSError."""

    def remove(self, target: str) -> None:
        """Remove the empty directory `target` if it exists. Raises OSError."""


class Linux:
    """The kernel of this node. Mounts in the directory `scratch_dir` are seen by no other container."""

    def __init__(self, scratch_dir: str) -> None:
        self._scratch_dir = scratch_dir

    def table(self) -> list[Mount]:
        return parse(Path("/proc/self/mountinfo").read_text())

    def changes(self, seconds: float) -> Iterator[None]:
        with open("/proc/self/mountinfo", "rb") as file:
            poll = select.poll()
            poll.register(file, select.POLLERR | select.POLLPRI)
            while True:
                yield
                poll.poll(seconds * 1000)

    def open_directory(self, mount: Mount, directory: str) -> int:
        flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        current = os.open(mount.path, flags)
        try:
            if _mount_id(current) != mount.id:  # unmounted meanwhile: this is a directory on the node's own disk
                raise OSError(errno.ESTALE, f"{mount.source} is not mounted any more")
            # One name after the other, without following symlinks: those who write to the volume cannot lead outside.
            for name in filter(None, directory.split("/")):
                deeper = os.open(name, flags, dir_fd=current)
                os.close(current)
                current = deeper
        except OSError:
            os.close(current)
            raise
        return current

    def bind(self, directory: int, target: str) -> None:
        # By way of a private mount: a bind of the shared FUSE mount is in its peer group, so that what is later mounted
        # over one pod's target would propagate to those of all others.
        own = tempfile.mkdtemp(dir=self._scratch_dir)
        try:
            _mount(f"/proc/self/fd/{directory}", own, MS_BIND)
            try:
                _mount("", own, MS_PRIVATE)
                with contextlib.suppress(FileExistsError):
                    os.mkdir(target, mode=0o750)
                _mount(own, target, MS_BIND)
            finally:
                self.detach(own)
        finally:
            os.rmdir(own)

    def usage(self, path: str) -> os.statvfs_result:
        return os.statvfs(path)

    def detach(self, target: str) -> None:
        if _libc.umount2(os.fsencode(target), MNT_DETACH | UMOUNT_NOFOLLOW):
            raise _error(target)

    def remove(self, target: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(target)


def _mount_id(descriptor: int) -> int:
    text = Path(f"/proc/self/fdinfo/{descriptor}").read_text()
    return int(text.split("mnt_id:")[1].split()[0])


def _mount(source: str, target: str, flags: int) -> None:
    if _libc.mount(os.fsencode(source), os.fsencode(target), None, flags, None):
        raise _error(target)


def _error(target: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), target)
