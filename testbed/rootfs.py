"""File system trees out of Debian packages: the one that all machines of a cluster share, and the images' base."""

import hashlib
from pathlib import Path

from testbed import host
from testbed.config import cache_folder, versions
from testbed.shell import make_once, run

MACHINE_PACKAGES = (
    "ca-certificates,conntrack,containerd,containernetworking-plugins,etcd-server,ethtool,fuse3,iproute2,ipset,iptables,"
    "kmod,libnfs-utils,mount,nfs-common,nftables,procps,python3-minimal,runc,socat,util-linux"
)
# Mount points that init.sh needs, made once because the tree is the read-only lower half of every machine's root.
MACHINE_FOLDERS = (
    "etc/cni/net.d etc/containerd etc/kubernetes mnt/brick1 mnt/brick2 old-root opt/kubernetes "
    "var/lib/cni var/lib/containerd var/lib/etcd var/lib/glusterd var/lib/kubelet"
)
LEAN = tuple(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "info", "lintian", "locale", "man"))


def machine_tree() -> Path:
    suite = versions().debian_node

    def make(folder: Path) -> None:
        _mmdebstrap(suite, folder, f"--include={MACHINE_PACKAGES}")
        for name in MACHINE_FOLDERS.split():
            (folder / name).mkdir(parents=True, exist_ok=True)

    target = cache_folder() / "rootfs" / f"{suite}-{_key(MACHINE_PACKAGES, MACHINE_FOLDERS)}"
    what = f"file system of the machines: Debian {suite} with containerd and etcd, about 40 s"
    return make_once(target, what, make, lock_name="rootfs")


def image_base() -> Path:
    """The archive of what Dockerfiles name `debian:<suite>-slim`."""
    suite = versions().debian_image
    target = cache_folder() / "rootfs" / f"{suite}-slim-{_key(*LEAN)}"
    what = f"base of the images: Debian {suite}, about 40 s"

    def make(folder: Path) -> None:
        _mmdebstrap(suite, folder / "base.tar", "--include=ca-certificates")

    return make_once(target, what, make, lock_name="rootfs") / "base.tar"


def _mmdebstrap(suite: str, target: Path, option: str) -> None:
    # Check-Valid-Until: the Release file of a testing suite is out of date on a mirror that is some days behind.
    lax = '--aptopt=Acquire::Check-Valid-Until "false"'
    options: tuple[str | Path, ...] = ("--quiet", "--mode=root", "--variant=minbase", lax, *LEAN, option, suite, target)
    run(["mmdebstrap", *options, *host.debian_mirror()], contained=True)


def _key(*inputs: str) -> str:
    return hashlib.sha256("\n".join(inputs).encode()).hexdigest()[:8]
