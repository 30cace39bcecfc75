"""Control groups: one group a machine in every hierarchy, so that its processes can be found, limited and killed.

The groups are found again by their names, not by records: whatever a killed `up` left behind is still seen.

Version 1 has a hierarchy a controller; the groups lie below those that `up` runs in. Beside them an empty version 2
may be mounted (`unified`); such a machine is one of version 1, as it is for kubelet and runc.

Version 2 has one hierarchy. A group there either has processes or hands controllers down to groups below it
(https://docs.kernel.org/admin-guide/cgroup-v2.html, "no internal process constraint"). So the groups lie at the top of
what is mounted, not below that of `up`, and a machine's processes lie one below its own, in LEAF.
"""

import errno
import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.config import ClusterError
from testbed.shell import wait_for

MOUNT = Path("/sys/fs/cgroup")
VERSION_1 = ("blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids", "systemd")
VERSION_2 = ("cpu", "cpuset", "io", "memory", "pids")  # the others' work is the kernel's own there
LEAF = "init"
OTHERS = "gt-others"
"""Where the top is a container's own group: what ran in it before, for as long as there are machines."""

JOIN = 'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 125; shift; done; shift; exec "$@"'


@dataclass(frozen=True)
class Groups:
    """The groups of one machine, one folder a hierarchy."""

    folders: tuple[Path, ...]

    def processes(self) -> set[int]:
        return {process for folder in self.folders for path in _groups_in(folder) for process in _processes(path)}

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
        return _join([folder / LEAF if (folder / LEAF).exists() else folder for folder in self.folders], command)

    def topped_by(self, command: Sequence[str | Path]) -> list[str]:
        """The command as one that joins these groups and sees them as the top of all.

        A namespace of control groups begins at the group that its maker is in, so it is made before LEAF is joined.
        """
        return _join(self.folders, ["unshare", "--cgroup", *self.joined_by(command)])

    def remove(self) -> None:
        """Take away the groups, whose processes have been killed."""

        def removed() -> bool:
            for folder in self.folders:
                for path in sorted(_groups_in(folder), key=lambda path: len(path.parts), reverse=True):
                    try:
                        path.rmdir()
                    except FileNotFoundError:
                        continue
                    except OSError as error:  # the last process is not listed any more and not quite gone
                        if error.errno != errno.EBUSY:
                            raise
                        return False
            return True

        wait_for(
            f"the control groups {self.folders[0].name} to be free", removed, seconds=30, hint="See `systemd-cgls`."
        )


def _join(folders: Iterable[Path], command: Sequence[str | Path]) -> list[str]:
    return ["sh", "-c", JOIN, "join", *map(str, folders), "--", *map(str, command)]


def _groups_in(folder: Path) -> Iterator[Path]:
    for path, _, _ in os.walk(folder):
        yield Path(path)


def _processes(folder: Path) -> list[int]:
    try:
        return [int(word) for word in (folder / "cgroup.procs").read_text().split()]
    except OSError:  # a group that has just gone
        return []


def _version_2() -> bool:
    return (MOUNT / "cgroup.controllers").exists()


def check() -> None:
    """Raises ClusterError where this machine's control groups can't carry a cluster, and says what is missing."""
    if _version_2():
        given = set((MOUNT / "cgroup.controllers").read_text().split())
        missing = [name for name in VERSION_2 if name not in given]
    else:
        given = set(_own_groups())
        missing = [name for name in VERSION_1 if name not in given or not (MOUNT / name).is_dir()]
    if missing:
        raise ClusterError(
            f"The control groups below {MOUNT} lack {', '.join(missing)}, which Kubernetes needs. A container or a "
            "systemd service has to be given them from outside (systemd: Delegate=yes); else see whether the kernel's "
            "command line turns them off (cgroup_disable)."
        )


def create(name: str) -> Groups:
    """Make the groups of that name, empty, ready to take processes."""
    if _version_2():
        (MOUNT / name / LEAF).mkdir(parents=True, exist_ok=True)
        _hand_down()
        return Groups((MOUNT / name,))
    own = _own_groups()
    folders = []
    for controller in VERSION_1:
        folder = MOUNT / controller / own[controller].lstrip("/") / name
        folder.mkdir(parents=True, exist_ok=True)
        if controller == "cpuset":  # a new group has neither, and takes no process before it has
            for file in ("cpuset.cpus", "cpuset.mems"):
                (folder / file).write_text((folder.parent / file).read_text())
        folders.append(folder)
    return Groups(tuple(folders))


def _hand_down() -> None:
    """Have the top's controllers in the groups below it."""
    control = MOUNT / "cgroup.subtree_control"
    if set(VERSION_2) <= set(control.read_text().split()):
        return
    wanted = " ".join(f"+{name}" for name in VERSION_2)
    try:
        control.write_text(wanted)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        # The kernel's own top may have processes, that of a container may not.
        (MOUNT / OTHERS).mkdir(exist_ok=True)
        _move(MOUNT, MOUNT / OTHERS)
        control.write_text(wanted)


def tidy() -> None:
    """Put back into a container's own group what had to make room, if no cluster is left that needs it."""
    if not (MOUNT / OTHERS).exists() or any(MOUNT.glob("gt-*-*")):
        return
    (MOUNT / "cgroup.subtree_control").write_text(" ".join(f"-{name}" for name in VERSION_2))
    _move(MOUNT / OTHERS, MOUNT)
    (MOUNT / OTHERS).rmdir()


def _move(source: Path, target: Path) -> None:
    while processes := _processes(source):  # again: one of them may have forked meanwhile
        for process in processes:
            try:
                (target / "cgroup.procs").write_text(str(process))
            except ProcessLookupError:
                continue


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
