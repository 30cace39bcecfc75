"""One FUSE process: starts glusterfs for a volume, waits until the volume answers, copies its log."""

from __future__ import annotations

import errno
import logging
import os
import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen, TimeoutExpired

from csi.handle import mount_key
from csi.mounts import Kernel

log = logging.getLogger("client")
GLUSTERD_PORT = 24007
MOUNT_SECONDS = 45
"""How long the bricks may take for a first answer. The kubelet gives up after two minutes."""


class NotMounted(Exception):
    """A volume could not be mounted; the message gives the reason that the FUSE process logged, if it logged one."""


@dataclass(frozen=True)
class Spec:
    """A gluster volume, and options of the FUSE client such as "log-level=INFO"."""

    volume: str
    options: tuple[str, ...]

    @property
    def key(self) -> str:
        return mount_key(self.volume, self.options)


def answering_first(servers: Sequence[str], seconds: float = 2) -> list[str]:
    """The servers in their order, except that those come last whose glusterd accepts no connection within `seconds`.

    A FUSE process tries one after the other, and waits minutes for one whose node is silently gone.
    """

    def answers(server: str) -> bool:
        try:
            socket.create_connection((server, GLUSTERD_PORT), seconds).close()
        except OSError:
            return False
        return True

    with ThreadPoolExecutor(max(len(servers), 1)) as pool:
        silent = {server: not answer for server, answer in zip(servers, pool.map(answers, servers), strict=True)}
    return sorted(servers, key=lambda server: silent[server])


class Fuse:
    """Mounts volumes for `driver` from the servers that `servers` gives."""

    def __init__(self, driver: str, servers: Callable[[], Sequence[str]], kernel: Kernel) -> None:
        self._driver, self._servers, self._kernel = driver, servers, kernel

    def start(self, spec: Spec, mount_point: str) -> FuseProcess:
        """Start a process that mounts the volume at the directory `mount_point`."""
        servers = answering_first(self._servers())
        source = f"{self._driver}:{spec.key}"
        argv = ["glusterfs", "--no-daemon", "--process-name=fuse", "--log-file=/dev/stderr", "--log-level=WARNING"]
        argv += [f"--volfile-server={server}" for server in servers]
        argv += [f"--volfile-id=/{spec.volume}", f"--fs-display-name={source}", "--fuse-mountopts=nosuid,nodev"]
        argv += [*(f"--{option}" for option in spec.options), mount_point]
        return FuseProcess(
            Popen(argv, stdout=PIPE, stderr=STDOUT, text=True, errors="replace"), spec, source, mount_point
        )

    def wait(self, process: FuseProcess) -> None:
        """Wait until the volume's root can be read. Raises NotMounted after ending the process."""
        try:
            for _ in self._kernel.changes(1):
                if any((m.path, m.source) == (process.mount_point, process.source) for m in self._kernel.table()):
                    break
                if process.popen.poll() is not None:
                    raise OSError(errno.EIO, f"the FUSE client ended with exit code {process.popen.returncode}")
            # stat hangs until the bricks answer or are known to be away; it ends with the process.
            watchdog = threading.Timer(MOUNT_SECONDS, process.popen.kill)
            watchdog.start()
            try:
                os.stat(process.mount_point)
            finally:
                watchdog.cancel()
        except OSError as error:
            process.end()
            raise NotMounted(f"The volume {process.spec.volume} is not mounted: {process.reason(error)}.") from error


class FuseProcess:
    """A running glusterfs. What it logs is copied to the log of this process."""

    def __init__(self, popen: Popen[str], spec: Spec, source: str, mount_point: str) -> None:
        self.popen, self.spec, self.source, self.mount_point = popen, spec, source, mount_point
        self._lines: deque[str] = deque(maxlen=50)
        self._reader = threading.Thread(target=self._copy_log, daemon=True)
        self._reader.start()

    def end(self) -> None:
        """End it, by SIGKILL if SIGTERM has not ended it within 5 seconds."""
        self.popen.terminate()
        try:
            self.popen.wait(5)
        except TimeoutExpired:
            self.popen.kill()
            self.popen.wait()

    def reason(self, error: OSError) -> str:
        """Why an ended process did not mount the volume: the last error that it logged, else the system's `error`."""
        self._reader.join(5)
        if any("failed to fetch volume file" in line for line in self._lines):
            return "no server has a started volume of this name, or none answers; see `gluster volume info`"
        if error.errno == errno.ENOTCONN:
            return "its bricks do not answer; see `gluster volume status`"
        errors = [line.rsplit("] ", 1)[-1] for line in self._lines if "] E [" in line]
        return errors[-1] if errors else str(error.strerror)

    def _copy_log(self) -> None:
        assert self.popen.stdout
        for line in self.popen.stdout:
            self._lines.append(line.strip())
            log.info("%s: %s", self.spec.key, line.strip())


def read_servers(path: Path) -> list[str]:
    """The servers in a file, one a line. It is read for each mount, since the chart changes it with its nodes."""
    return path.read_text().split()
