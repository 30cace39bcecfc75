"""Certificates and kubeconfigs of a cluster, made with openssl 3 (P-256, half a second for all)."""

import base64
from collections.abc import Sequence
from pathlib import Path
from string import Template

from testbed import network
from testbed.config import SOURCE
from testbed.shell import run

DAYS = "3650"
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", DAYS)
API_SERVICE = "kubernetes.default.svc"
API_NAMES = ("kubernetes", "kubernetes.default", API_SERVICE, f"{API_SERVICE}.cluster.local", "localhost")
API_ADDRESSES = ("127.0.0.1", network.CONTROL_PLANE, network.API_SERVICE)
API_IN_FABRIC = f"https://{network.CONTROL_PLANE}:6443"


def create(folder: Path, nodes: Sequence[str], port: int) -> None:
    """All of a cluster's certificates, and a kubeconfig a client. `port` is the API server's on the host's loopback."""
    folder.mkdir(parents=True, exist_ok=True)
    # Of the file only the section's name matters; with no file openssl would take the machine's, whatever that says.
    (folder / "openssl.cnf").write_text("[req]\ndistinguished_name=names\n[names]\n")
    for name in ("ca", "etcd-ca", "front-ca"):
        _authority(folder, name)
    run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", folder / "sa.key"])
    run(["openssl", "pkey", "-in", folder / "sa.key", "-pubout", "-out", folder / "sa.pub"])

    api = [*(f"DNS:{name}" for name in API_NAMES), *(f"IP:{address}" for address in API_ADDRESSES)]
    _certificate(folder, "apiserver", "ca", "/CN=kube-apiserver", api)
    _certificate(folder, "etcd", "etcd-ca", "/CN=etcd", ["IP:127.0.0.1"])
    _certificate(folder, "etcd-client", "etcd-ca", "/CN=kube-apiserver")
    _certificate(folder, "front", "front-ca", "/CN=front-proxy-client")
    _certificate(folder, "kubelet-client", "ca", "/O=testbed:kubelet-api/CN=kube-apiserver-kubelet-client")
    _client(folder, "admin", "/O=system:masters/CN=admin", f"https://127.0.0.1:{port}")
    _client(folder, "controller-manager", "/CN=system:kube-controller-manager", API_IN_FABRIC)
    _client(folder, "scheduler", "/CN=system:kube-scheduler", API_IN_FABRIC)
    _client(folder, "proxy", "/CN=system:kube-proxy", API_IN_FABRIC)
    _client(folder, "coredns", "/CN=testbed:coredns", API_IN_FABRIC)
    for number, name in enumerate(nodes, start=1):
        subject = f"/O=system:nodes/CN=system:node:{name}"
        _client(folder, name, subject, API_IN_FABRIC)
        _certificate(folder, f"{name}-serving", "ca", subject, [f"DNS:{name}", f"IP:{network.node_address(number)}"])


def _authority(folder: Path, name: str) -> None:
    extensions = [
        "basicConstraints=critical,CA:TRUE",
        "keyUsage=critical,digitalSignature,keyCertSign,cRLSign",
        "subjectKeyIdentifier=hash",
    ]
    _openssl(folder, name, f"/CN=testbed-{name}", extensions)


def _certificate(folder: Path, name: str, authority: str, subject: str, names: Sequence[str] = ()) -> None:
    extensions = [
        "basicConstraints=critical,CA:FALSE",
        "keyUsage=critical,digitalSignature",
        "extendedKeyUsage=serverAuth,clientAuth",
    ]
    if names:
        extensions.append(f"subjectAltName={','.join(names)}")
    _openssl(folder, name, subject, extensions, "-CA", f"{authority}.crt", "-CAkey", f"{authority}.key")


def _openssl(folder: Path, name: str, subject: str, extensions: Sequence[str], *signer: str) -> None:
    added = [word for extension in extensions for word in ("-addext", extension)]
    files = ("-config", "openssl.cnf", "-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", subject)
    run(["openssl", "req", "-x509", *NEW_KEY, *files, *added, *signer], cwd=folder)


def _client(folder: Path, name: str, subject: str, server: str) -> None:
    _certificate(folder, name, "ca", subject)
    files = {"ca": "ca.crt", "certificate": f"{name}.crt", "key": f"{name}.key"}
    data = {word: base64.b64encode((folder / file).read_bytes()).decode() for word, file in files.items()}
    text = Template((SOURCE / "conf/kubeconfig.yaml").read_text()).substitute(data, server=server, user=name)
    target = folder / f"{name}.kubeconfig"
    target.touch(mode=0o600)
    target.write_text(text)
