"""A machine: a process tree in its own namespaces and control groups, on the file system tree that all machines share.

Whether it runs, and what runs on it, is read from its control groups: there is no file of process numbers to go stale.
"""

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed import cgroups, rootfs
from testbed.config import SOURCE, ClusterError
from testbed.shell import remove_tree, wait_for

CLEAN = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}


@dataclass(frozen=True)
class Machine:
    name: str
    group: str  # name of its control groups
    namespace: str  # name of its network namespace
    folder: Path  # its disks

    def _groups(self) -> cgroups.Groups | None:
        return cgroups.find(self.group).get(self.group)

    def init(self) -> int | None:
        """The number of the machine's first process; None when the machine is off."""
        groups = self._groups()
        return next(filter(_is_init, sorted(groups.processes())), None) if groups else None

    def start(self, files: Mapping[str, str], services: Mapping[str, Sequence[str]], programs: Path) -> None:
        """Boot. `files` are laid over /etc, `services` are kept running, `programs` is seen as /opt/kubernetes."""
        lines = [shlex.join(["service", name, *command]) for name, command in services.items()]
        remove_tree(self.folder / "etc")
        for name, text in {"hostname": f"{self.name}\n", "testbed/services": "\n".join(lines) + "\n", **files}.items():
            target = self.folder / "etc" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch(mode=0o600)
            target.write_text(text)
            target.chmod(0o600 if target.suffix in (".key", ".kubeconfig") else 0o644)
        namespaces = ("-i", "-m", "-p", "-u", "--fork", "--mount-proc", "--propagation=private")
        init: tuple[str | Path, ...] = ("bash", SOURCE / "init.sh", self.folder, rootfs.machine_tree(), programs)
        command: list[str | Path] = ["nsenter", f"--net=/run/netns/{self.namespace}", "unshare", *namespaces, *init]
        spawn(cgroups.create(self.group).topped_by(command), self.folder / "console.log")
        wait_for(f"{self.name} to boot", self._ready, seconds=30, hint=f"See {self.folder / 'console.log'}.")

    def _ready(self) -> bool:
        init = self.init()
        return init is not None and Path(f"/proc/{init}/root/run/testbed-ready").exists()

    def stop(self) -> None:
        """Power off without a word to anyone."""
        if groups := self._groups():
            groups.kill()
            groups.remove()

    def inside(self, command: Sequence[str]) -> list[str]:
        """The command as one that runs on the machine: in all its namespaces, and limited as it is."""
        groups, init = self._groups(), self.init()
        if groups is None or init is None:
            raise ClusterError(f"{self.name} is off. Start it with `python -m testbed boot {self.name}`.")
        namespaces = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup")
        clean = ("env", "-i", *(f"{name}={value}" for name, value in CLEAN.items()))
        return groups.joined_by(["nsenter", "-t", str(init), *namespaces, *clean, *command])

    def programs(self) -> list[str]:
        """The names of the programs that run on the machine, its pods' included."""
        groups = self._groups()
        commands = [_command_line(process) for process in groups.processes()] if groups else []
        return [Path(command[0]).name for command in commands if command]


def spawn(command: Sequence[str], log: Path) -> None:
    """Start what outlives this process."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=CLEAN,
            start_new_session=True,
        )


def _command_line(process: int) -> list[str]:
    try:
        return Path(f"/proc/{process}/cmdline").read_text(errors="replace").split("\0")
    except OSError:  # it has just ended
        return []


def _is_init(process: int) -> bool:
    """Whether it is number 1 of a process namespace right below this one (a pod's first process is two below)."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False
    numbers = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[1:]
    return len(numbers) == 2 and numbers[1] == "1"
