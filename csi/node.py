"""The Node service: directories of volumes into pods, and out of them again.

What is mounted where is read from the kernel's mount table each time; there is no other state to go stale.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Protocol

from csi import csi_pb2
from csi.handle import Handle, Refused, mount_key, mount_options, parse
from csi.mounts import Kernel, Mount
from csi.rpc import Alive, Code, Failed
from csi.stats import Looks, stats

log = logging.getLogger("csi")
_MODES = csi_pb2.VolumeCapability.AccessMode
LOCKS = 64
SUB_PATHS = "/volume-subpaths/"
READERS = (_MODES.SINGLE_NODE_READER_ONLY, _MODES.MULTI_NODE_READER_ONLY)


class Mounter(Protocol):
    """Whoever holds the FUSE mounts: the client's pod, over its socket."""

    def mount(self, volume: str, options: Sequence[str]) -> None:
        """See that the volume is mounted with these options. Raises Failed."""

    def release(self, key: str) -> None:
        """The mount is not used any more. Raises Failed."""


class Node:
    """`folder` holds the FUSE mounts, each at mounts/<key>; `pods` is the only place where targets may be."""

    def __init__(self, driver: str, node: str, folder: str, pods: str, kernel: Kernel, mounter: Mounter) -> None:
        self._driver, self._node, self._folder, self._pods = driver, node, folder, pods
        self._kernel, self._mounter, self._looks = kernel, mounter, Looks(kernel)
        self._mutex = threading.Lock()
        self._busy: Counter[str] = Counter()  # keys of mounts that calls are at work with
        self._locks = [threading.Lock() for _ in range(LOCKS)]

    # The calls

    def NodeGetInfo(self, _request: csi_pb2.NodeGetInfoRequest, _alive: Alive) -> csi_pb2.NodeGetInfoResponse:
        return csi_pb2.NodeGetInfoResponse(node_id=self._node)

    def NodeGetCapabilities(
        self, _request: csi_pb2.NodeGetCapabilitiesRequest, _alive: Alive
    ) -> csi_pb2.NodeGetCapabilitiesResponse:
        kinds = csi_pb2.NodeServiceCapability.RPC
        answer = csi_pb2.NodeGetCapabilitiesResponse()
        for kind in (kinds.GET_VOLUME_STATS, kinds.VOLUME_CONDITION):
            answer.capabilities.add().rpc.type = kind
        return answer

    def NodeGetVolumeStats(
        self, request: csi_pb2.NodeGetVolumeStatsRequest, _alive: Alive
    ) -> csi_pb2.NodeGetVolumeStatsResponse:
        """Answers within seconds, whatever the volume does."""
        if not request.volume_id or not request.volume_path:
            raise Failed(Code.INVALID_ARGUMENT, "The call names no volume, or not where it is published.")
        path = str(PurePosixPath(request.volume_path))
        if not any(self._is_target(mount) for mount in self._at(path)):
            raise Failed(Code.NOT_FOUND, f"{request.volume_id} is not published at {path}.")
        return stats(self._looks, path)

    def NodePublishVolume(
        self, request: csi_pb2.NodePublishVolumeRequest, alive: Alive
    ) -> csi_pb2.NodePublishVolumeResponse:
        handle, options = _asked(request)
        target = self._target(request.target_path)
        key = mount_key(handle.volume, options)
        with self._using(key):
            self._mounter.mount(handle.volume, options)
            mount = self._current(key)
            folder = self._open(mount, handle)
            try:
                with self._lock(target):
                    # The kubelet may have given up while a brick kept us waiting, and the pod may be gone.
                    if not alive():
                        raise Failed(Code.CANCELLED, f"Nobody waits for {handle} at {target} any more.")
                    self._bind(mount, folder, handle.folder, target)
            finally:
                os.close(folder)
        return csi_pb2.NodePublishVolumeResponse()

    def NodeUnpublishVolume(
        self, request: csi_pb2.NodeUnpublishVolumeRequest, _alive: Alive
    ) -> csi_pb2.NodeUnpublishVolumeResponse:
        """Never looks at the volume: this works with every brick away, and for handles that nobody can read."""
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
        self.tidy()
        return csi_pb2.NodeUnpublishVolumeResponse()

    # What follows the mount table

    def tidy(self) -> None:
        """Let go of FUSE mounts that no pod uses."""
        with self._mutex:
            table = self._kernel.table()
            used = {mount.source for mount in table if self._is_target(mount)}
            for mount in table:
                key = self._key(mount)
                if mount.path == self._place(key) and mount.source not in used and not self._busy[key]:
                    try:
                        self._mounter.release(key)
                    except Failed as failed:
                        log.warning("%s stays mounted for now: %s", key, failed)

    def repair(self) -> bool:
        """Bind anew what was bound to a FUSE mount that has died and has a successor; whether all is well now.

        The new one goes over the old one: so containers see it that take mounts from the node (HostToContainer). In a
        `subPath`'s place, which the kubelet unmounts itself and but once, it takes the old one's place: that container
        sees it when it starts again.
        """
        table = self._kernel.table()
        stale = {m.path: m for m in table if self._is_target(m)}
        current = {m.source: m for m in table if m.path == self._place(self._key(m))}
        well = True
        for target, old in stale.items():
            new = current.get(old.source)
            if new is None or new.device == old.device:
                continue
            try:
                with self._using(self._key(new)):
                    self._rebind(new, old, target)
                log.info("%s has %s again", target, new.source)
            except OSError as error:
                log.warning("%s cannot have %s again yet: %s", target, new.source, error)
                well = False
        return well

    def _rebind(self, new: Mount, old: Mount, target: str) -> None:
        folder = self._kernel.open_folder(new, old.folder)
        try:
            with self._lock(target):
                if self._at(target)[-1:] == [old]:
                    if SUB_PATHS in target:
                        self._kernel.detach(target)
                    self._kernel.bind(folder, target)
        finally:
            os.close(folder)

    # Parts

    def _place(self, key: str) -> str:
        return f"{self._folder}/mounts/{key}"

    def _key(self, mount: Mount) -> str:
        """The key of one of this driver's mounts; "" for any other. The client gives FUSE mounts such sources."""
        driver, _, key = mount.source.partition(":")
        return key if driver == self._driver else ""

    def _is_target(self, mount: Mount) -> bool:
        return bool(self._key(mount)) and mount.path.startswith(f"{self._pods}/")

    def _at(self, target: str) -> list[Mount]:
        return [mount for mount in self._kernel.table() if mount.path == target]

    def _current(self, key: str) -> Mount:
        found = self._at(self._place(key))
        if not found or self._key(found[-1]) != key:
            raise Failed(Code.UNAVAILABLE, f"The mount of {key} has just gone; it is tried again.")
        return found[-1]

    def _open(self, mount: Mount, handle: Handle) -> int:
        try:
            return self._kernel.open_folder(mount, handle.folder)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                raise Failed(
                    Code.NOT_FOUND,
                    f"The volume {handle.volume} has no directory {handle.folder} (a symlink is none): make it, or "
                    "correct the handle.",
                ) from error
            raise Failed(
                Code.UNAVAILABLE, f"The volume {handle} cannot be read ({error.strerror}); it is tried again."
            ) from error

    def _bind(self, mount: Mount, folder: int, path: str, target: str) -> None:
        there = self._at(target)
        if there and there[-1].source != mount.source:
            raise Failed(Code.ALREADY_EXISTS, f"{target} has {there[-1].source} already: unmount that first.")
        if there and there[-1].device == mount.device:
            if there[-1].folder != path:
                raise Failed(Code.ALREADY_EXISTS, f"{target} has another directory: unpublish it first.")
            return
        try:
            self._kernel.bind(folder, target)
        except OSError as error:
            raise Failed(Code.INTERNAL, f"{mount.source} cannot be mounted at {target}: {error}") from error

    def _target(self, path: str) -> str:
        """The path as it is, if it lies below `pods` without any detour."""
        if not path:
            raise Failed(Code.INVALID_ARGUMENT, "The call names no target path.")
        plain = str(PurePosixPath(path))
        inside = plain.startswith(f"{self._pods}/") and ".." not in PurePosixPath(path).parts
        if not inside or os.path.realpath(os.path.dirname(plain)) != os.path.dirname(plain):
            raise Failed(Code.INVALID_ARGUMENT, f"The target path {path} does not lie below {self._pods}.")
        return plain

    @contextmanager
    def _using(self, key: str) -> Iterator[None]:
        """As long as this lasts the FUSE mount is not let go of; afterwards it is, if no pod has got it."""
        with self._mutex:
            self._busy[key] += 1
        try:
            yield
        except BaseException:
            with self._mutex:
                self._busy[key] -= 1
            self.tidy()
            raise
        with self._mutex:
            self._busy[key] -= 1

    def _lock(self, target: str) -> threading.Lock:
        """Held by whoever mounts or unmounts at a target, and never while a volume is looked at."""
        return self._locks[hash(target) % LOCKS]


def _asked(request: csi_pb2.NodePublishVolumeRequest) -> tuple[Handle, tuple[str, ...]]:
    """What a publish call asks for: the handle, the options of the FUSE mount.

    Read-only is the FUSE mount itself: a container's runtime makes a bind of a read-only one writable again.
    """
    capability = request.volume_capability
    if not request.volume_id:
        raise Failed(Code.INVALID_ARGUMENT, "The call names no volume.")
    if capability.WhichOneof("access_type") != "mount":
        raise Failed(Code.INVALID_ARGUMENT, "A gluster volume is no block device: use volumeMode Filesystem.")
    try:
        handle = parse(request.volume_id)
        read_only = request.readonly or capability.access_mode.mode in READERS
        options = mount_options(capability.mount.mount_flags, read_only)
    except Refused as refused:
        raise Failed(Code.INVALID_ARGUMENT, str(refused)) from refused
    return handle, options
