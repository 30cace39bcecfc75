"""The control plane: etcd, API server, controller manager, scheduler and cluster DNS, as processes of one machine.

It lives in the fabric's network namespace and is no node. Cluster DNS is here, not in pods, so that it survives what
tests do to nodes.
"""

from pathlib import Path

from testbed import network

PKI = "/etc/kubernetes/pki"


def files(pki: Path, nodes: dict[str, str]) -> dict[str, str]:
    """`nodes` are the nodes' addresses by name."""
    found = {f"kubernetes/pki/{path.name}": path.read_text() for path in pki.iterdir() if path.suffix != ".cnf"}
    hosts = "\n".join(f"    {address} {name}" for name, address in nodes.items())
    found["kubernetes/Corefile"] = f"""\
.:53 {{
  errors
  ready
  kubernetes cluster.local in-addr.arpa ip6.arpa {{
    kubeconfig {PKI}/coredns.kubeconfig
    pods insecure
    fallthrough in-addr.arpa ip6.arpa
    ttl 5
  }}
  hosts {{
{hosts}
    fallthrough
  }}
  cache 5
  loadbalance
}}
"""
    return found


def services() -> dict[str, list[str]]:
    return {
        "etcd": ["etcd", *_flags(ETCD)],
        "kube-apiserver": ["/opt/kubernetes/kube-apiserver", *_flags(API_SERVER)],
        "kube-controller-manager": ["/opt/kubernetes/kube-controller-manager", *_flags(CONTROLLER_MANAGER)],
        "kube-scheduler": ["/opt/kubernetes/kube-scheduler", *_flags(SCHEDULER)],
        "coredns": ["/opt/kubernetes/coredns", "-conf", "/etc/kubernetes/Corefile"],
    }


def _flags(settings: dict[str, str]) -> list[str]:
    return [f"--{name}={value}" for name, value in settings.items()]


def _clients(name: str) -> dict[str, str]:
    kubeconfig = f"{PKI}/{name}.kubeconfig"
    kinds = ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")
    return {**dict.fromkeys(kinds, kubeconfig), "bind-address": "127.0.0.1", "leader-elect": "false"}


ETCD = {
    "name": "testbed",
    "data-dir": "/var/lib/etcd/data",
    "unsafe-no-fsync": "true",  # a test cluster; measured: syncing costs seconds of every start
    "listen-client-urls": "https://127.0.0.1:2379",
    "advertise-client-urls": "https://127.0.0.1:2379",
    "listen-peer-urls": "http://127.0.0.1:2380",
    "cert-file": f"{PKI}/etcd.crt",
    "key-file": f"{PKI}/etcd.key",
    "client-cert-auth": "true",
    "trusted-ca-file": f"{PKI}/etcd-ca.crt",
    "log-level": "warn",
}

API_SERVER = {
    "advertise-address": network.CONTROL_PLANE,
    "allow-privileged": "true",
    "authorization-mode": "Node,RBAC",
    "client-ca-file": f"{PKI}/ca.crt",
    "enable-admission-plugins": "NodeRestriction",
    "enable-aggregator-routing": "true",
    "etcd-cafile": f"{PKI}/etcd-ca.crt",
    "etcd-certfile": f"{PKI}/etcd-client.crt",
    "etcd-keyfile": f"{PKI}/etcd-client.key",
    "etcd-servers": "https://127.0.0.1:2379",
    "kubelet-certificate-authority": f"{PKI}/ca.crt",
    "kubelet-client-certificate": f"{PKI}/kubelet-client.crt",
    "kubelet-client-key": f"{PKI}/kubelet-client.key",
    "kubelet-preferred-address-types": "InternalIP",
    "proxy-client-cert-file": f"{PKI}/front.crt",
    "proxy-client-key-file": f"{PKI}/front.key",
    "requestheader-allowed-names": "front-proxy-client",
    "requestheader-client-ca-file": f"{PKI}/front-ca.crt",
    "requestheader-extra-headers-prefix": "X-Remote-Extra-",
    "requestheader-group-headers": "X-Remote-Group",
    "requestheader-username-headers": "X-Remote-User",
    "secure-port": "6443",
    "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
    "service-account-key-file": f"{PKI}/sa.pub",
    "service-account-signing-key-file": f"{PKI}/sa.key",
    "service-cluster-ip-range": network.SERVICES,
    "tls-cert-file": f"{PKI}/apiserver.crt",
    "tls-private-key-file": f"{PKI}/apiserver.key",
}

CONTROLLER_MANAGER = {
    **_clients("controller-manager"),
    "client-ca-file": f"{PKI}/ca.crt",
    "cluster-signing-cert-file": f"{PKI}/ca.crt",
    "cluster-signing-key-file": f"{PKI}/ca.key",
    "kube-api-burst": "1000",
    "kube-api-qps": "500",  # measured: with the default (20) controllers start 5 s late
    "requestheader-client-ca-file": f"{PKI}/front-ca.crt",
    "root-ca-file": f"{PKI}/ca.crt",
    "service-account-private-key-file": f"{PKI}/sa.key",
    "use-service-account-credentials": "true",
}

SCHEDULER = _clients("scheduler")
