"""How full a published volume is. No caller waits long for bricks that are away."""

from __future__ import annotations

import errno
import os
import threading
from concurrent.futures import Future

from csi import csi_pb2
from csi.mounts import Kernel

PROBE_SECONDS = 10
"""How long a caller waits. statvfs hangs until the bricks answer or are known to be away: `network.ping-timeout`, 42 s
by default."""


class StatProbe:
    """Calls statvfs on published volumes, once at a time for a path: a call that hangs cannot be ended, but shared."""

    def __init__(self, kernel: Kernel, seconds: float = PROBE_SECONDS) -> None:
        self._kernel, self._seconds = kernel, seconds
        self._mutex = threading.Lock()
        self._running: dict[str, Future[os.statvfs_result]] = {}

    def at(self, path: str) -> os.statvfs_result:
        """The result of statvfs at `path`.

        Raises OSError (ENOTCONN if the FUSE process or the bricks are away), TimeoutError after `seconds`.
        """
        with self._mutex:
            result = self._running.get(path)
            if result is None:
                result = self._running[path] = Future()
                threading.Thread(target=self._run, args=(path, result), daemon=True).start()
        return result.result(self._seconds)

    def _run(self, path: str, result: Future[os.statvfs_result]) -> None:
        try:
            result.set_result(self._kernel.usage(path))
        except OSError as error:
            result.set_exception(error)
        finally:
            with self._mutex:
                del self._running[path]


def stats(probe: StatProbe, path: str) -> csi_pb2.NodeGetVolumeStatsResponse:
    """The answer to NodeGetVolumeStats: bytes and inodes, or that the volume cannot be used, and why."""
    try:
        found = probe.at(path)
    except TimeoutError:
        return _abnormal(f"The volume has not answered for {PROBE_SECONDS} s: see `gluster volume status`.")
    except OSError as error:
        if error.errno == errno.ENOTCONN:
            reason = "its FUSE process has ended or its bricks are away; see `gluster volume status`."
            return _abnormal(f"The volume does not answer: {reason}")
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
