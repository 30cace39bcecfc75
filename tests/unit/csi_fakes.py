"""A mount table in memory, with FUSE mounts that come and go; what it allows is what Linux would."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from csi.handle import mount_key
from csi.mounts import Mount
from csi.rpc import Failed

DRIVER = "gluster.storage.glusterfs"


def ask(channel: grpc.Channel, proto: FileDescriptor, name: str, request: Message) -> Any:
    """The answer to the call `name` of one of the proto's services."""
    (method,) = [s.methods_by_name[name] for s in proto.services_by_name.values() if name in s.methods_by_name]
    path = f"/{method.containing_service.full_name}/{name}"
    answer = GetMessageClass(method.output_type).FromString
    return channel.unary_unary(path, type(request).SerializeToString, answer)(request, timeout=10)


@dataclass
class FakeKernel:
    """`directories` are those that a volume has, by the source of its mounts; `broken` are sources without bricks."""

    mounts: list[Mount] = field(default_factory=list)
    directories: dict[str, set[str]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    opened: dict[int, Mount] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    made: int = 0
    looks: int = 0
    silent: threading.Event | None = None
    """While this is there and not set, whoever asks how full a volume is gets no answer."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def table(self) -> list[Mount]:
        with self.lock:
            return list(self.mounts)

    def changes(self, seconds: float) -> Iterator[None]:
        while True:
            yield

    def add(self, device: str, root: str, path: str, source: str) -> Mount:
        with self.lock:
            self.made += 1
            mount = Mount(self.made, device, root, path, "fuse.glusterfs", source)
            self.mounts.append(mount)
            return mount

    def open_directory(self, mount: Mount, folder: str) -> int:
        with self.lock:
            if mount not in self.mounts:
                raise OSError(errno.ESTALE, "gone")
            if mount.source in self.broken:
                raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
            if folder and folder not in self.directories.get(mount.source, set()):
                raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
            descriptor = os.open(os.devnull, os.O_RDONLY)
            self.opened[descriptor] = Mount(0, mount.device, f"/{folder}", "", mount.kind, mount.source)
            return descriptor

    def bind(self, folder: int, target: str) -> None:
        with self.lock:
            what = self.opened[folder]
            self.add(what.device, what.root, target, what.source)

    def usage(self, path: str) -> os.statvfs_result:
        self.looks += 1
        if self.silent:
            self.silent.wait(20)
        with self.lock:
            mount = next(m for m in reversed(self.mounts) if m.path == path)
            if mount.source in self.broken:
                raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return os.statvfs_result((1 << 17, 4096, 1000, 400, 300, 50, 20, 20, 0, 255))

    def detach(self, target: str) -> None:
        with self.lock:
            at = [mount for mount in self.mounts if mount.path == target]
            if not at:
                raise OSError(errno.EINVAL, "not a mount point")
            self.mounts.remove(at[-1])

    def remove(self, target: str) -> None:
        assert not [mount for mount in self.mounts if mount.path == target]
        self.removed.append(target)


@dataclass
class FakeMounter:
    """The client's pod: mounts at once, each time on a new device; `down` while it is being replaced."""

    kernel: FakeKernel
    folder: str
    devices: int = 0
    down: bool = False
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    released: list[str] = field(default_factory=list)

    def mount(self, volume: str, options: Sequence[str]) -> None:
        if self.down:
            raise Failed(grpc.StatusCode.UNAVAILABLE, "The client's pod on this node does not answer.")
        self.asked.append((volume, tuple(options)))
        self.again(mount_key(volume, tuple(options)))

    def again(self, key: str) -> None:
        """Mount, if it is not mounted."""
        with self.kernel.lock:
            mount_point = f"{self.folder}/mounts/{key}"
            if not [mount for mount in self.kernel.mounts if mount.path == mount_point]:
                self.devices += 1
                self.kernel.add(f"0:{self.devices}", "/", mount_point, f"{DRIVER}:{key}")

    def die(self) -> None:
        """The client's pod is replaced: the FUSE mounts go and come as others; what was bound stays, dead."""
        with self.kernel.lock:
            dead = [mount for mount in self.kernel.mounts if mount.path.startswith(f"{self.folder}/mounts/")]
            for mount in dead:
                self.kernel.mounts.remove(mount)
                self.again(mount.source.split(":")[1])

    def release(self, key: str) -> None:
        if self.down:
            raise Failed(grpc.StatusCode.UNAVAILABLE, "The client's pod on this node does not answer.")
        self.released.append(key)
        self.kernel.detach(f"{self.folder}/mounts/{key}")
