"""File system trees out of Debian packages: the one that all machines of a cluster share, and the images' base."""

import hashlib
from pathlib import Path

from testbed import host
from testbed.config import cache_folder, versions
from testbed.shell import appearing, lock, remove_tree, run, step

MACHINE_PACKAGES = (
    "ca-certificates,conntrack,containerd,containernetworking-plugins,etcd-server,ethtool,fuse3,iproute2,ipset,iptables,"
    "kmod,mount,nftables,procps,python3-minimal,runc,socat,util-linux"
)
# Mount points that init.sh needs, made once because the tree is the read-only lower half of every machine's root.
MACHINE_FOLDERS = (
    "etc/cni/net.d etc/containerd etc/kubernetes mnt/brick1 mnt/brick2 old-root opt/kubernetes "
    "var/lib/cni var/lib/containerd var/lib/etcd var/lib/glusterd var/lib/kubelet"
)
LEAN = tuple(
    f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "man", "locale", "info", "lintian")
)


def machine_tree() -> Path:
    suite = versions().debian_node
    target = cache_folder() / "rootfs" / f"{suite}-{_key(MACHINE_PACKAGES, MACHINE_FOLDERS)}"
    with lock("rootfs"):
        if not target.exists():
            what = f"file system of the machines: Debian {suite} with containerd and etcd, about 40 s"
            with step(what, slow=True), appearing(target) as draft:
                _mmdebstrap(suite, draft, f"--include={MACHINE_PACKAGES}")
                for folder in MACHINE_FOLDERS.split():
                    (draft / folder).mkdir(parents=True, exist_ok=True)
    return target


def image_base() -> Path:
    """The archive of what images name `debian:<suite>-slim`."""
    suite = versions().debian_image
    target = cache_folder() / "rootfs" / f"{suite}-slim-{_key(*LEAN)}.tar"
    with lock("image-base"):
        if not target.exists():
            with step(f"base of the images: Debian {suite}, about 40 s", slow=True):
                draft = target.with_name(f"draft-{target.name}")  # mmdebstrap goes by the name's end
                draft.parent.mkdir(parents=True, exist_ok=True)
                remove_tree(draft)
                _mmdebstrap(suite, draft, "--include=ca-certificates")
                draft.rename(target)
    return target


def _mmdebstrap(suite: str, target: Path, *options: str) -> None:
    # Check-Valid-Until: the Release file of a testing suite is out of date on mirrors that are behind by days.
    lax = '--aptopt=Acquire::Check-Valid-Until "false"'
    command = ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", lax, *LEAN, *options, suite, target]
    run([*command, *host.debian_mirror()], contained=True)


def _key(*inputs: str) -> str:
    return hashlib.sha256("\n".join(inputs).encode()).hexdigest()[:8]
