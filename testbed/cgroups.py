"""Control groups: one group a machine in every hierarchy, so that its processes can be found, limited and killed.

The groups lie below the group that `up` ran in and are found again by their names, not by records: whatever a killed
`up` left behind is still seen. Both versions of control groups are served; only version 1 has been run.
"""

import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.shell import wait_for

MOUNT = Path("/sys/fs/cgroup")
# Version 1, as kubelet wants it: one hierarchy a controller.
CONTROLLERS = ("blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids", "systemd")

JOIN = 'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 125; shift; done; shift; exec "$@"'


@dataclass(frozen=True)
class Groups:
    """The groups of one machine, one folder a hierarchy."""

    folders: tuple[Path, ...]

    def processes(self) -> set[int]:
        found: set[int] = set()
        for folder in self.folders:
            for path in _groups_in(folder):
                try:
                    found.update(map(int, (path / "cgroup.procs").read_text().split()))
                except OSError:  # a group that has just gone
                    continue
        return found

    def kill(self) -> None:
        """SIGKILL to every process until there is none. A machine's init takes its whole process namespace with it."""

        def gone() -> bool:
            remaining = self.processes()
            for process in remaining:
                try:
                    os.kill(process, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            return not remaining

        what = f"the processes of {self.folders[0].name} to end"
        wait_for(what, gone, seconds=30, hint="`ps` tells what they wait for.")

    def joined_by(self, command: Sequence[str | Path]) -> list[str]:
        """The command as one that joins these groups first."""
        # Version 2: a group that hands controllers to its children takes no processes itself; see init.sh.
        entries = [folder / "init" if (folder / "init").exists() else folder for folder in self.folders]
        return ["sh", "-c", JOIN, "join", *map(str, entries), "--", *map(str, command)]

    def remove(self) -> None:
        for folder in self.folders:
            for path in sorted(_groups_in(folder), key=lambda path: len(path.parts), reverse=True):
                path.rmdir()


def _groups_in(folder: Path) -> Iterator[Path]:
    for path, _, _ in os.walk(folder):
        yield Path(path)


def _version_2() -> bool:
    return (MOUNT / "cgroup.controllers").exists()


def create(name: str) -> Groups:
    """Make the groups of that name, empty, ready to take processes."""
    if _version_2():
        (MOUNT / "cgroup.subtree_control").write_text("+cpu +cpuset +io +memory +pids")
        (MOUNT / name).mkdir(exist_ok=True)
        return Groups((MOUNT / name,))
    own = _own_groups()
    folders = []
    for controller in CONTROLLERS:
        folder = MOUNT / controller / own[controller].lstrip("/") / name
        folder.mkdir(parents=True, exist_ok=True)
        if controller == "cpuset":  # a new group has neither, and takes no process before it has
            for file in ("cpuset.cpus", "cpuset.mems"):
                (folder / file).write_text((folder.parent / file).read_text())
        folders.append(folder)
    return Groups(tuple(folders))


def _own_groups() -> dict[str, str]:
    """This process's group in each hierarchy."""
    found = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.removeprefix("name=").split(","):
            found[controller] = path
    return found


def find(prefix: str) -> dict[str, Groups]:
    """All groups whose names begin with the prefix, by name, wherever they lie."""
    found: dict[str, list[Path]] = {}
    for path, names, _ in os.walk(MOUNT):
        for name in [name for name in names if name.startswith(prefix)]:
            names.remove(name)
            found.setdefault(name, []).append(Path(path) / name)
    return {name: Groups(tuple(folders)) for name, folders in sorted(found.items())}
