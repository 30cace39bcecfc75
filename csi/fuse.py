"""One FUSE process: starts glusterfs for a volume, waits until the volume answers, passes its log on."""

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
"""For a first answer of the bricks. The kubelet gives up after two minutes."""


class NotMounted(Exception):
    """A volume could not be mounted; the message says why, in the words of the FUSE process where it has some."""


@dataclass(frozen=True)
class Spec:
    """What is mounted: a gluster volume, with options of the FUSE client such as "log-level=INFO"."""

    volume: str
    options: tuple[str, ...]

    @property
    def key(self) -> str:
        return mount_key(self.volume, self.options)


def answering_first(servers: Sequence[str], seconds: float = 2) -> list[str]:
    """The servers in their order, but those at the end whose glusterd takes no connection within `seconds`.

    A FUSE process asks one after the other, and waits for minutes for one whose node is silently gone.
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

    def start(self, spec: Spec, place: str) -> Process:
        """A process that mounts the volume at the directory `place`."""
        servers = answering_first(self._servers())
        source = f"{self._driver}:{spec.key}"
        argv = ["glusterfs", "--no-daemon", "--process-name=fuse", "--log-file=/dev/stderr", "--log-level=WARNING"]
        argv += [f"--volfile-server={server}" for server in servers]
        argv += [f"--volfile-id=/{spec.volume}", f"--fs-display-name={source}", "--fuse-mountopts=nosuid,nodev"]
        argv += [*(f"--{option}" for option in spec.options), place]
        return Process(Popen(argv, stdout=PIPE, stderr=STDOUT, text=True, errors="replace"), spec, source, place)

    def wait(self, process: Process) -> None:
        """Until the volume's root can be looked at. Raises NotMounted; the process may be there still."""
        try:
            for _ in self._kernel.changes(1):
                if any((m.path, m.source) == (process.place, process.source) for m in self._kernel.table()):
                    break
                if process.popen.poll() is not None:
                    raise OSError(errno.EIO, f"the FUSE client ended with exit code {process.popen.returncode}")
            # The look hangs until the bricks answer or are known to be away; the process' end ends it.
            watchdog = threading.Timer(MOUNT_SECONDS, process.popen.kill)
            watchdog.start()
            try:
                os.stat(process.place)
            finally:
                watchdog.cancel()
        except OSError as error:
            process.end()
            raise NotMounted(f"The volume {process.spec.volume} is not mounted: {process.reason(error)}.") from error


class Process:
    """A running glusterfs. What it logs goes on to this process' own log."""

    def __init__(self, popen: Popen[str], spec: Spec, source: str, place: str) -> None:
        self.popen, self.spec, self.source, self.place = popen, spec, source, place
        self._words: deque[str] = deque(maxlen=50)
        self._reader = threading.Thread(target=self._pass_on, daemon=True)
        self._reader.start()

    def end(self) -> None:
        """End it, by force where it does not go within 5 seconds."""
        self.popen.terminate()
        try:
            self.popen.wait(5)
        except TimeoutExpired:
            self.popen.kill()
            self.popen.wait()

    def reason(self, error: OSError) -> str:
        """What the log of an ended process says is wrong, in its own words; else what the system said."""
        self._reader.join(5)
        if any("failed to fetch volume file" in line for line in self._words):
            return "no server has a started volume of this name, or none answers; see `gluster volume info`"
        if error.errno == errno.ENOTCONN:
            return "its bricks do not answer; see `gluster volume status`"
        told = [line.rsplit("] ", 1)[-1] for line in self._words if "] E [" in line]
        return told[-1] if told else str(error.strerror)

    def _pass_on(self) -> None:
        assert self.popen.stdout
        for line in self.popen.stdout:
            self._words.append(line.strip())
            log.info("%s: %s", self.spec.key, line.strip())


def read_servers(path: Path) -> list[str]:
    """The servers in a file, one a line. Read anew for each mount: the chart changes them with its nodes."""
    return path.read_text().split()
