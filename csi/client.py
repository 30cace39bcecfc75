"""The client's pod: keeps volumes mounted, one FUSE process each, also after such a process or this pod has ended."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from pathlib import Path

from csi.fuse import Fuse, NotMounted, Process, Spec
from csi.mounts import Kernel

log = logging.getLogger("client")
SLOWEST_RETRY = 15


class Kept:
    """A volume that is mounted again whenever its FUSE process ends, until it is let go of."""

    def __init__(self, spec: Spec, place: str, fuse: Fuse, kernel: Kernel) -> None:
        self._spec, self._place, self._fuse, self._kernel = spec, place, fuse, kernel
        self._end = threading.Event()
        self._news = threading.Condition()
        self._process: Process | None = None
        self._mounted, self._failures, self._error = False, 0, ""
        self._thread = threading.Thread(target=self._keep, name=spec.key, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Until it is mounted. Raises NotMounted when the next try to mount it has failed."""
        with self._news:
            before = self._failures
            self._news.wait_for(lambda: self._mounted or self._failures > before)
            if not self._mounted:
                raise NotMounted(self._error)

    def end(self) -> None:
        """Unmount it, whoever uses it, and end its process."""
        with self._news:
            self._end.set()
            process = self._process
        detach(self._kernel, self._place)
        if process:
            process.end()
        self._thread.join()

    def _keep(self) -> None:
        delay = 1
        while not self._end.is_set():
            detach(self._kernel, self._place)  # of an earlier process, perhaps of an earlier pod
            process = self._fuse.start(self._spec, self._place)
            with self._news:
                self._process = process
                if self._end.is_set():
                    process.popen.terminate()
            try:
                self._fuse.wait(process)
            except NotMounted as error:
                log.warning("%s", error)
                self._tell(False, str(error))
                self._end.wait(delay)
                delay = min(2 * delay, SLOWEST_RETRY)
                continue
            delay = 1
            self._tell(True, "")
            code = process.popen.wait()
            self._tell(False, f"The FUSE process of {self._spec.volume} has ended with exit code {code}.")
        detach(self._kernel, self._place)

    def _tell(self, mounted: bool, error: str) -> None:
        with self._news:
            self._mounted, self._error = mounted, error
            self._failures += not mounted
            self._news.notify_all()


def detach(kernel: Kernel, place: str) -> None:
    """Take away all that is mounted at `place`, alive or dead."""
    while any(mount.path == place for mount in kernel.table()):
        kernel.detach(place)


class Client:
    """All volumes of a node. In `folder` each has its mount point, mounts/<key>, and what it is, specs/<key>.json."""

    def __init__(self, folder: Path, fuse: Fuse, kernel: Kernel) -> None:
        self._mounts, self._specs = folder / "mounts", folder / "specs"
        self._fuse, self._kernel = fuse, kernel
        self._mutex = threading.Lock()
        self._kept: dict[str, Kept] = {}

    def restore(self) -> None:
        """Mount what an earlier client had mounted, and take away mounts that it did not want any more."""
        self._mounts.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._specs.mkdir(mode=0o700, exist_ok=True)
        for file in self._specs.glob("*.json"):
            found = json.loads(file.read_text())
            self._keep(Spec(found["volume"], tuple(found["options"])))
        for place in self._mounts.iterdir():
            if place.name not in self._kept:
                self._clear(place)

    def mount(self, spec: Spec) -> None:
        """Until the volume is mounted. Raises NotMounted; then it is tried no more, unless it was mounted before."""
        with self._mutex:
            new = spec.key not in self._kept
            kept = self._keep(spec)
        try:
            kept.wait()
        except NotMounted:
            if new:
                self.release(spec.key)
            raise

    def release(self, key: str) -> None:
        """Unmount a volume and forget it."""
        with self._mutex:
            kept = self._kept.pop(key, None)
            (self._specs / f"{key}.json").unlink(missing_ok=True)
            if kept:
                kept.end()
            self._clear(self._mounts / key)

    def close(self) -> None:
        """Unmount all volumes; the next client mounts them again."""
        with self._mutex:
            for kept in self._kept.values():
                kept.end()

    def _keep(self, spec: Spec) -> Kept:
        if spec.key not in self._kept:
            place = self._mounts / spec.key
            with contextlib.suppress(FileExistsError):  # not exist_ok: that looks at what may be a dead mount
                place.mkdir(mode=0o700)
            draft = self._specs / f"{spec.key}.draft"
            draft.write_text(json.dumps({"volume": spec.volume, "options": spec.options}))
            draft.rename(self._specs / f"{spec.key}.json")
            self._kept[spec.key] = Kept(spec, str(place), self._fuse, self._kernel)
        return self._kept[spec.key]

    def _clear(self, place: Path) -> None:
        detach(self._kernel, str(place))
        self._kernel.remove(str(place))
