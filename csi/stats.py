"""How full a published volume is, asked so that nobody waits for bricks that are away."""

from __future__ import annotations

import errno
import os
import threading
from concurrent.futures import Future

from csi import csi_pb2
from csi.mounts import Kernel

LOOK_SECONDS = 10
"""A look hangs until the bricks answer or are known to be away (`network.ping-timeout`: 42 s unless told)."""


class Looks:
    """Looks into published volumes. One that hangs cannot be ended: whoever asks meanwhile gets its answer."""

    def __init__(self, kernel: Kernel, seconds: float = LOOK_SECONDS) -> None:
        self._kernel, self._seconds = kernel, seconds
        self._mutex = threading.Lock()
        self._going: dict[str, Future[os.statvfs_result]] = {}

    def at(self, path: str) -> os.statvfs_result:
        """What statvfs says at `path`. Raises OSError (ENOTCONN: neither client nor brick answers), TimeoutError."""
        with self._mutex:
            look = self._going.get(path)
            if look is None:
                look = self._going[path] = Future()
                threading.Thread(target=self._look, args=(path, look), daemon=True).start()
        return look.result(self._seconds)

    def _look(self, path: str, look: Future[os.statvfs_result]) -> None:
        try:
            look.set_result(self._kernel.usage(path))
        except OSError as error:
            look.set_exception(error)
        finally:
            with self._mutex:
                del self._going[path]


def stats(looks: Looks, path: str) -> csi_pb2.NodeGetVolumeStatsResponse:
    """The answer to NodeGetVolumeStats: bytes and inodes, or that the volume cannot be used, and why."""
    try:
        found = looks.at(path)
    except TimeoutError:
        return _abnormal(f"The volume has not answered for {LOOK_SECONDS} s: see `gluster volume status`.")
    except OSError as error:
        if error.errno == errno.ENOTCONN:
            words = "Its FUSE process has ended, or its bricks are away: see `gluster volume status`."
            return _abnormal(f"The volume does not answer. {words}")
        return _abnormal(f"The volume cannot be read: {error.strerror}.")
    usage = csi_pb2.VolumeUsage
    size, used = found.f_frsize, found.f_blocks - found.f_bfree
    return csi_pb2.NodeGetVolumeStatsResponse(
        usage=[
            usage(
                unit=usage.BYTES,
                total=found.f_blocks * size,
                used=used * size,
                available=found.f_bavail * size,
            ),
            usage(
                unit=usage.INODES,
                total=found.f_files,
                used=found.f_files - found.f_ffree,
                available=found.f_favail,
            ),
        ],
        volume_condition=csi_pb2.VolumeCondition(abnormal=False, message="The volume answers."),
    )


def _abnormal(message: str) -> csi_pb2.NodeGetVolumeStatsResponse:
    condition = csi_pb2.VolumeCondition(abnormal=True, message=message)
    return csi_pb2.NodeGetVolumeStatsResponse(volume_condition=condition)
