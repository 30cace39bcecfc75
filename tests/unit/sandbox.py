"""A room for scripts that end processes or mount: PID and mount namespaces of their own. Needs root."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from hooks.gluster.runner import ExecResult


class Sandbox:
    """In it no process is seen but its own, and no mount of it is seen outside. All ends with the `with`."""

    def __init__(self) -> None:
        self.environment = dict(os.environ)
        self._stand_ins: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Sandbox:
        unshare = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
        self._first = subprocess.Popen([*unshare, "sleep", "infinity"])
        self._enter = ["nsenter", "--pid", "--mount", "--target", str(_child(self._first, "sleep"))]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._first.kill()
        for process in (self._first, *self._stand_ins):
            process.wait()

    def start(self, name: str, *arguments: str, does: str = "read -rt 60 <> <(:)") -> subprocess.Popen[bytes]:
        """A process under this name and with these arguments, which does nothing, or what the text for Bash says."""
        command = ["bash", "-c", 'exec -a "$0" bash -c "$@"', name, does, *arguments]
        process = subprocess.Popen([*self._enter, *command], stdin=subprocess.DEVNULL)
        self._stand_ins.append(process)
        _child(process, name)
        return process

    def run(self, argv: Sequence[str], stdin: str = "") -> ExecResult:
        """Run a command and wait for it."""
        done = subprocess.run(
            [*self._enter, *argv], input=stdin, env=self.environment, capture_output=True, text=True, check=False
        )
        return ExecResult(done.stdout, done.stderr, done.returncode)


def ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether a stand-in is gone; one that lives is given a moment to show that it does not."""
    try:
        process.wait(timeout=0.5)
    except subprocess.TimeoutExpired:
        return False
    return True


def _child(process: subprocess.Popen[bytes], name: str) -> int:
    """The PID of a process's only child, once it bears this name."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        if children and Path(f"/proc/{children[0]}/cmdline").read_bytes().startswith(f"{name}\0".encode()):
            return int(children[0])
        time.sleep(0.01)
    raise TimeoutError(f"{name} has not started")
