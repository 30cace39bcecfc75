"""A node: containerd, kubelet and kube-proxy on a machine, with two disks for bricks."""

import hashlib
from pathlib import Path
from string import Template

from testbed import network
from testbed.config import SOURCE
from testbed.shell import run

BRICKS = ("brick1", "brick2")


def files(name: str, number: int, pki: Path, nodes: dict[str, str]) -> dict[str, str]:
    """What lies in the node's /etc. `nodes` are the nodes' addresses by name."""
    values = {
        "address": network.node_address(number),
        "dns": network.DNS_SERVICE,
        "pods": network.pod_range(number),
        "all_pods": network.PODS,
    }
    return {
        "cni/net.d/10-pods.conflist": _filled("cni.json", values),
        "containerd/config.toml": _filled("containerd.toml", values),
        "hosts": "127.0.0.1 localhost\n" + "".join(f"{address} {other}\n" for other, address in nodes.items()),
        "kubernetes/ca.crt": (pki / "ca.crt").read_text(),
        "kubernetes/kube-proxy.yaml": _filled("kube-proxy.yaml", values),
        "kubernetes/kubelet.kubeconfig": (pki / f"{name}.kubeconfig").read_text(),
        "kubernetes/kubelet.yaml": _filled("kubelet.yaml", values),
        "kubernetes/proxy.kubeconfig": (pki / "proxy.kubeconfig").read_text(),
        "kubernetes/serving.crt": (pki / f"{name}-serving.crt").read_text(),
        "kubernetes/serving.key": (pki / f"{name}-serving.key").read_text(),
        "machine-id": hashlib.sha256(f"{pki} {name}".encode()).hexdigest()[:32] + "\n",
        # Empty: a pod on the host's network must not resolve cluster names by accident, it would not elsewhere.
        "resolv.conf": "",
    }


def services(name: str, number: int) -> dict[str, list[str]]:
    address = network.node_address(number)
    kubelet = [
        "/opt/kubernetes/kubelet",
        "--config=/etc/kubernetes/kubelet.yaml",
        "--kubeconfig=/etc/kubernetes/kubelet.kubeconfig",
        f"--hostname-override={name}",
        f"--node-ip={address}",
        f"--node-labels=name={name}",
    ]
    proxy = ["/opt/kubernetes/kube-proxy", "--config=/etc/kubernetes/kube-proxy.yaml", f"--hostname-override={name}"]
    return {"containerd": ["containerd"], "kubelet": kubelet, "kube-proxy": proxy}


def _filled(name: str, values: dict[str, str]) -> str:
    return Template((SOURCE / "conf" / name).read_text()).substitute(values)


def make_bricks(folder: Path, size: str) -> None:
    """An XFS image a brick, sparse, so that it takes no room before it is written to."""
    folder.mkdir(parents=True, exist_ok=True)
    for brick in BRICKS:
        image = folder / f"{brick}.img"
        image.unlink(missing_ok=True)
        run(["truncate", f"--size={size}", image])
        if run(["mkfs.xfs", "-q", image], check=False).returncode:
            run(["mkfs.ext4", "-q", "-F", image])
