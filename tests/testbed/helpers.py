"""The command line as a person uses it, under an id of these tests' own, and what of a cluster a machine shows."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from testbed import config

REPOSITORY = Path(__file__).resolve().parents[2]
OWN_ID = f"test{config.cluster_id()}"[:12]


def command_line(*arguments: str, check: bool = True, bed: str = OWN_ID) -> subprocess.CompletedProcess[str]:
    """The command line, as a person would use it, for the cluster of the id `bed`."""
    command = [sys.executable, "-m", "testbed", *arguments]
    done = subprocess.run(
        command, cwd=REPOSITORY, env={**os.environ, "TESTBED_ID": bed}, capture_output=True, text=True, check=False
    )
    assert not check or done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done


def traces(bed: str = OWN_ID) -> dict[str, list[str]]:
    """What of the cluster can be seen on this machine. Looks for itself and asks the test bed nothing."""
    name, folder = f"gt-{bed}-", f"/clusters/{bed}/"
    found: dict[str, list[str]] = {"processes": [], "mounts": [], "control groups": [], "namespaces": [], "loops": []}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            mounts = (process / "mountinfo").read_text()
            if name in (process / "cgroup").read_text() or folder in (process / "cmdline").read_text(errors="replace"):
                found["processes"].append(process.name)
        except OSError:  # it has ended meanwhile
            continue
        found["mounts"] += [line for line in mounts.splitlines() if name in line or folder in line]
    found["control groups"] = [path for path, _, _ in os.walk("/sys/fs/cgroup") if name in path]
    found["namespaces"] = [path.name for path in Path("/run/netns").glob(f"{name}*")]
    for file in Path("/sys/block").glob("loop*/loop/backing_file"):
        if folder in file.read_text():
            found["loops"].append(file.read_text())
    if (config.cache_folder() / "clusters" / bed).exists():
        found["folder"] = [bed]
    return {kind: entries for kind, entries in found.items() if entries}


def kill_up_when(moment: Callable[[], bool]) -> None:
    """Start `up` and kill it as soon as the moment has come."""
    command = [sys.executable, "-m", "testbed", "up", "--provider", "native", "--nodes", "1"]
    environment = {**os.environ, "TESTBED_ID": OWN_ID}
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, stderr=subprocess.DEVNULL) as up:
        while not moment():
            assert up.poll() is None, "up ended before the moment to kill it"
        up.send_signal(signal.SIGKILL)


def seen(kind: str, text: str = "") -> Callable[[], bool]:
    return lambda: any(text in found for found in traces().get(kind, []))
