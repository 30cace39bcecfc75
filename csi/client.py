"""The client's pod: keeps volumes mounted, a FUSE process each, also if such a process or this pod has ended."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from pathlib import Path

from csi.fuse import Fuse, FuseProcess, NotMounted, Spec
from csi.mounts import Kernel

log = logging.getLogger("client")
SLOWEST_RETRY = 15


class SupervisedMount:
    """A volume that is mounted again whenever its FUSE process ends, until `end`."""

    def __init__(self, spec: Spec, mount_point: str, fuse: Fuse, kernel: Kernel) -> None:
        self._spec, self._mount_point, self._fuse, self._kernel = spec, mount_point, fuse, kernel
        self._end = threading.Event()
        self._changed = threading.Condition()
        self._process: FuseProcess | None = None
        self._mounted, self._failures, self._error = False, 0, ""
        self._thread = threading.Thread(target=self._supervise, name=spec.key, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait until it is mounted. Raises NotMounted if the next attempt to mount it fails."""
        with self._changed:
            before = self._failures
            self._changed.wait_for(lambda: self._mounted or self._failures > before)
            if not self._mounted:
                raise NotMounted(self._error)

    def end(self) -> None:
        """Unmount it, even if it is in use, and end its process."""
        with self._changed:
            self._end.set()
            process = self._process
        detach(self._kernel, self._mount_point)
        if process:
            process.end()
        self._thread.join()

    def _supervise(self) -> None:
        delay = 1
        while not self._end.is_set():
            detach(self._kernel, self._mount_point)  # the dead mount of an earlier process, perhaps of an earlier pod
            process = self._fuse.start(self._spec, self._mount_point)
            with self._changed:
                self._process = process
                if self._end.is_set():
                    process.popen.terminate()
            try:
                self._fuse.wait(process)
            except NotMounted as error:
                log.warning("%s", error)
                self._set_away(str(error))
                self._end.wait(delay)
                delay = min(2 * delay, SLOWEST_RETRY)
                continue
            delay = 1
            self._set_mounted()
            code = process.popen.wait()
            self._set_away(f"The FUSE process of {self._spec.volume} has ended with exit code {code}.")
        detach(self._kernel, self._mount_point)

    def _set_mounted(self) -> None:
        with self._changed:
            self._mounted, self._error = True, ""
            self._changed.notify_all()

    def _set_away(self, error: str) -> None:
        with self._changed:
            self._mounted, self._error = False, error
            self._failures += 1
            self._changed.notify_all()


def detach(kernel: Kernel, mount_point: str) -> None:
    """Unmount all that is mounted at `mount_point`, alive or dead."""
    while any(mount.path == mount_point for mount in kernel.table()):
        kernel.detach(mount_point)


class MountSupervisor:
    """All volumes of a node: in `plugin_dir` each has its mount point, mounts/<key>, and its Spec, specs/<key>.json."""

    def __init__(self, plugin_dir: Path, fuse: Fuse, kernel: Kernel) -> None:
        self._mounts, self._specs = plugin_dir / "mounts", plugin_dir / "specs"
        self._fuse, self._kernel = fuse, kernel
        self._mutex = threading.Lock()
        self._supervised: dict[str, SupervisedMount] = {}

    def restore(self) -> None:
        """Mount the volumes that an earlier pod had mounted, and remove the mount points of all others."""
        self._mounts.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._specs.mkdir(mode=0o700, exist_ok=True)
        for file in self._specs.glob("*.json"):
            found = json.loads(file.read_text())
            self._keep(Spec(found["volume"], tuple(found["options"])))
        for mount_point in self._mounts.iterdir():
            if mount_point.name not in self._supervised:
                self._clear(mount_point)

    def mount(self, spec: Spec) -> None:
        """Wait until the volume is mounted. Raises NotMounted; then it is forgotten, unless it was mounted before."""
        with self._mutex:
            new = spec.key not in self._supervised
            mount = self._keep(spec)
        try:
            mount.wait()
        except NotMounted:
            if new:
                self.release(spec.key)
            raise

    def release(self, key: str) -> None:
        """Unmount a volume and forget it."""
        with self._mutex:
            mount = self._supervised.pop(key, None)
            (self._specs / f"{key}.json").unlink(missing_ok=True)
            if mount:
                mount.end()
            self._clear(self._mounts / key)

    def close(self) -> None:
        """Unmount all volumes; the next pod mounts them again."""
        with self._mutex:
            for mount in self._supervised.values():
                mount.end()

    def _keep(self, spec: Spec) -> SupervisedMount:
        if spec.key not in self._supervised:
            mount_point = self._mounts / spec.key
            with contextlib.suppress(FileExistsError):  # not exist_ok: that calls stat on what may be a dead mount
                mount_point.mkdir(mode=0o700)
            draft = self._specs / f"{spec.key}.draft"
            draft.write_text(json.dumps({"volume": spec.volume, "options": spec.options}))
            draft.rename(self._specs / f"{spec.key}.json")
            self._supervised[spec.key] = SupervisedMount(spec, str(mount_point), self._fuse, self._kernel)
        return self._supervised[spec.key]

    def _clear(self, mount_point: Path) -> None:
        detach(self._kernel, str(mount_point))
        self._kernel.remove(str(mount_point))
