"""The Node service: binds directories of volumes into pods, and unmounts them again.

What is mounted where is read from the kernel's mount table each time; there is no other state that could be outdated.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from csi import csi_pb2
from csi.handle import Handle, InvalidArgument, mount_key, mount_options, parse
from csi.mounts import Kernel, Mount
from csi.rpc import Code, Failed, IsActive
from csi.stats import StatProbe, stats

log = logging.getLogger("csi")
_MODES = csi_pb2.VolumeCapability.AccessMode
LOCKS = 64
SUB_PATHS = "/volume-subpaths/"
READERS = (_MODES.SINGLE_NODE_READER_ONLY, _MODES.MULTI_NODE_READER_ONLY)


class Mounter(Protocol):
    """What holds the FUSE mounts: the client's pod, over its socket."""

    def mount(self, volume: str, options: Sequence[str]) -> None:
        """Mount the volume with these options unless it is mounted. Raises Failed."""

    def release(self, key: str) -> None:
        """Unmount what no pod uses any more. Raises Failed."""


@dataclass(frozen=True)
class Place:
    """A node: its name, and the folders that the driver works in.

    `plugin_dir` holds the FUSE mounts, each at mounts/<key>; targets are only allowed below `pods`.
    """

    node: str
    plugin_dir: str
    pods: str


class NodeService:
    """The Node service of `driver` at a place."""

    def __init__(self, driver: str, place: Place, kernel: Kernel, mounter: Mounter) -> None:
        self._driver, self._place = driver, place
        self._kernel, self._mounter, self._probe = kernel, mounter, StatProbe(kernel)
        self._mutex = threading.Lock()
        self._busy: Counter[str] = Counter()  # how many calls are using the mount of a key
        self._locks = [threading.Lock() for _ in range(LOCKS)]

    # The calls

    def NodeGetInfo(self, _request: csi_pb2.NodeGetInfoRequest, _is_active: IsActive) -> csi_pb2.NodeGetInfoResponse:
        return csi_pb2.NodeGetInfoResponse(node_id=self._place.node)

    def NodeGetCapabilities(
        self, _request: csi_pb2.NodeGetCapabilitiesRequest, _is_active: IsActive
    ) -> csi_pb2.NodeGetCapabilitiesResponse:
        kinds = csi_pb2.NodeServiceCapability.RPC
        answer = csi_pb2.NodeGetCapabilitiesResponse()
        for kind in (kinds.GET_VOLUME_STATS, kinds.VOLUME_CONDITION):
            answer.capabilities.add().rpc.type = kind
        return answer

    def NodeGetVolumeStats(
        self, request: csi_pb2.NodeGetVolumeStatsRequest, _is_active: IsActive
    ) -> csi_pb2.NodeGetVolumeStatsResponse:
        """Answers within seconds, even if the volume hangs."""
        if not request.volume_id or not request.volume_path:
            raise Failed(Code.INVALID_ARGUMENT, "The call names no volume, or not where it is published.")
        path = str(PurePosixPath(request.volume_path))
        if not any(self._is_target(mount) for mount in self._at(path)):
            raise Failed(Code.NOT_FOUND, f"{request.volume_id} is not published at {path}.")
        return stats(self._probe, path)

    def NodePublishVolume(
        self, request: csi_pb2.NodePublishVolumeRequest, is_active: IsActive
    ) -> csi_pb2.NodePublishVolumeResponse:
        handle, options = _parse(request)
        target = self._target(request.target_path)
        key = mount_key(handle.volume, options)
        with self._using(key):
            self._mounter.mount(handle.volume, options)
            mount = self._current(key)
            directory = self._open(mount, handle)
            try:
                with self._lock(target):
                    # While a brick did not answer, the kubelet may have given up and the pod may have gone.
                    if not is_active():
                        raise Failed(Code.CANCELLED, f"The kubelet has given up waiting for {handle} at {target}.")
                    self._bind(mount, directory, handle.directory, target)
            finally:
                os.close(directory)
        return csi_pb2.NodePublishVolumeResponse()

    def NodeUnpublishVolume(
        self, request: csi_pb2.NodeUnpublishVolumeRequest, _is_active: IsActive
    ) -> csi_pb2.NodeUnpublishVolumeResponse:
        """Never reads the volume, so it works while all bricks are away, and for handles that are invalid."""
        if not request.volume_id:
            raise Failed(Code.INVALID_ARGUMENT, "The call names no volume.")
        target = self._target(request.target_path)
        with self._lock(target):
            try:
                while self._at(target):
                    self._kernel.detach(target)
                self._kernel.remove(target)
            except OSError as error:
                raise Failed(Code.INTERNAL, f"{target} cannot be unmounted: {error}") from error
        self.release_unused()
        return csi_pb2.NodeUnpublishVolumeResponse()

    # Reactions to changes of the mount table

    def release_unused(self) -> None:
        """Unmount FUSE mounts that no pod uses."""
        with self._mutex:
            table = self._kernel.table()
            used = {mount.source for mount in table if self._is_target(mount)}
            for mount in table:
                key = self._key(mount)
                if mount.path == self._mount_point(key) and mount.source not in used and not self._busy[key]:
                    try:
                        self._mounter.release(key)
                    except Failed as failed:
                        log.warning("%s stays mounted for now: %s", key, failed)

    def repair(self) -> bool:
        """Bind targets again whose FUSE mount died and was replaced. Returns whether no target is left to repair.

        The new mount is laid over the old one, so that running containers with mountPropagation HostToContainer see it.
        The target of a `subPath` is the exception: the kubelet unmounts it only once, so the old mount goes first. Its
        container sees the new mount after a restart.
        """
        table = self._kernel.table()
        bound = {m.path: m for m in table if self._is_target(m)}
        current = {m.source: m for m in table if m.path == self._mount_point(self._key(m))}
        done = True
        for target, old in bound.items():
            new = current.get(old.source)
            if new is None or new.device == old.device:
                continue
            try:
                with self._using(self._key(new)):
                    self._rebind(new, old, target)
                log.info("%s is bound to %s again.", new.source, target)
            except OSError as error:
                log.warning("%s cannot be bound to %s again yet: %s", new.source, target, error)
                done = False
        return done

    def _rebind(self, new: Mount, old: Mount, target: str) -> None:
        directory = self._kernel.open_directory(new, old.directory)
        try:
            with self._lock(target):
                if self._at(target)[-1:] == [old]:
                    if SUB_PATHS in target:
                        self._kernel.detach(target)
                    self._kernel.bind(directory, target)
        finally:
            os.close(directory)

    # Helpers

    def _mount_point(self, key: str) -> str:
        return f"{self._place.plugin_dir}/mounts/{key}"

    def _key(self, mount: Mount) -> str:
        """The key of one of this driver's mounts, "" for any other. The client's pod names their sources DRIVER:KEY."""
        driver, _, key = mount.source.partition(":")
        return key if driver == self._driver else ""

    def _is_target(self, mount: Mount) -> bool:
        return bool(self._key(mount)) and mount.path.startswith(f"{self._place.pods}/")

    def _at(self, target: str) -> list[Mount]:
        return [mount for mount in self._kernel.table() if mount.path == target]

    def _current(self, key: str) -> Mount:
        found = self._at(self._mount_point(key))
        if not found or self._key(found[-1]) != key:
            raise Failed(Code.UNAVAILABLE, f"The mount of {key} has just gone; the kubelet tries again.")
        return found[-1]

    def _open(self, mount: Mount, handle: Handle) -> int:
        try:
            return self._kernel.open_directory(mount, handle.directory)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                raise Failed(
                    Code.NOT_FOUND,
                    f"The volume {handle.volume} has no directory {handle.directory} (symlinks are not followed): make "
                    "it, or correct the handle.",
                ) from error
            raise Failed(
                Code.UNAVAILABLE, f"The volume {handle} cannot be read ({error.strerror}); the kubelet tries again."
            ) from error

    def _bind(self, mount: Mount, directory: int, path: str, target: str) -> None:
        mounted = self._at(target)
        if mounted and mounted[-1].source != mount.source:
            raise Failed(Code.ALREADY_EXISTS, f"{mounted[-1].source} is mounted at {target}: unmount it first.")
        if mounted and mounted[-1].device == mount.device:
            if mounted[-1].directory != path:
                raise Failed(Code.ALREADY_EXISTS, f"Another directory is mounted at {target}: unpublish it first.")
            return
        try:
            self._kernel.bind(directory, target)
        except OSError as error:
            raise Failed(Code.INTERNAL, f"{mount.source} cannot be mounted at {target}: {error}") from error

    def _target(self, path: str) -> str:
        """The normalized path. Raises Failed unless it is below `pods`, without `..` and symlinks."""
        if not path:
            raise Failed(Code.INVALID_ARGUMENT, "The call names no target path.")
        plain = str(PurePosixPath(path))
        inside = plain.startswith(f"{self._place.pods}/") and ".." not in PurePosixPath(path).parts
        if not inside or os.path.realpath(os.path.dirname(plain)) != os.path.dirname(plain):
            raise Failed(Code.INVALID_ARGUMENT, f"The target path {path} is not below {self._place.pods}.")
        return plain

    @contextmanager
    def _using(self, key: str) -> Iterator[None]:
        """Keeps a FUSE mount from being released. After an exception it is released unless a pod uses it."""
        with self._mutex:
            self._busy[key] += 1
        try:
            yield
        except BaseException:
            with self._mutex:
                self._busy[key] -= 1
            self.release_unused()
            raise
        with self._mutex:
            self._busy[key] -= 1

    def _lock(self, target: str) -> threading.Lock:
        """Held while something is mounted or unmounted at a target, never while a volume is read: that may hang."""
        return self._locks[hash(target) % LOCKS]


def _parse(request: csi_pb2.NodePublishVolumeRequest) -> tuple[Handle, tuple[str, ...]]:
    """The handle and the options of the FUSE mount that a publish call asks for. Raises Failed.

    Read-only is an option of the FUSE mount itself: container runtimes make a bind of a read-only one writable again.
    """
    capability = request.volume_capability
    if not request.volume_id:
        raise Failed(Code.INVALID_ARGUMENT, "The call names no volume.")
    if capability.WhichOneof("access_type") != "mount":
        raise Failed(Code.INVALID_ARGUMENT, "A gluster volume is not a block device: use volumeMode Filesystem.")
    try:
        handle = parse(request.volume_id)
        read_only = request.readonly or capability.access_mode.mode in READERS
        options = mount_options(capability.mount.mount_flags, read_only)
    except InvalidArgument as error:
        raise Failed(Code.INVALID_ARGUMENT, str(error)) from error
    return handle, options
