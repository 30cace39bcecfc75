"""Faults do what they say, seen from inside the nodes."""

import itertools
import subprocess

import pytest

from testbed.config import ClusterError, patience
from testbed.native import Native
from testbed.shell import wait_for

PORTS = itertools.count(9001)
LISTEN = (
    "import socket, sys; s = socket.create_server(('', int(sys.argv[1]))); c, _ = s.accept(); c.send(b'x'); c.recv(1)"
)
# Prints 'joined', then how the connection ended; 'silence' when nothing was heard of the peer for so many seconds.
CONNECT = """
import socket, sys, time
seconds = float(sys.argv[3])
for _ in range(round(20 * seconds)):
    try:
        s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 1)
        break
    except OSError:
        time.sleep(0.1)
s.recv(1)
print("joined", flush=True)
s.settimeout(seconds)
try:
    print("closed" if not s.recv(1) else "data")
except TimeoutError:
    print("silence")
except OSError:
    print("closed")
"""


def connection(cluster: Native, address: str) -> subprocess.Popen[str]:
    """A connection from worker-1 to worker-2, once it is there; over a port that no earlier one used."""
    port = str(next(PORTS))
    subprocess.Popen(cluster.command("worker-2", ["python3", "-c", LISTEN, port]), stdin=subprocess.DEVNULL)
    command = cluster.command("worker-1", ["python3", "-c", CONNECT, address, port, str(5 * patience())])
    peer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    assert peer.stdout
    assert peer.stdout.readline() == "joined\n"
    return peer


def ends(peer: subprocess.Popen[str]) -> str:
    assert peer.stdout
    return peer.stdout.read().strip()


def carrier(cluster: Native, device: str) -> str:
    return cluster.run("worker-2", ["cat", f"/sys/class/net/{device}/carrier"]).stdout.strip()


def test_nodes_have_two_networks_and_two_bricks_of_their_own(two_nodes: Native) -> None:
    assert two_nodes.run("worker-1", ["hostname"]).stdout == "worker-1\n"
    types = two_nodes.run("worker-1", ["stat", "-f", "-c", "%T", "/mnt/brick1", "/mnt/brick2"]).stdout.split()
    devices = two_nodes.run("worker-1", ["stat", "-c", "%d", "/mnt", "/mnt/brick1", "/mnt/brick2"]).stdout.split()
    assert len(set(devices)) == 3
    assert set(types) <= {"xfs", "ext2/ext3"}
    for address in two_nodes.addresses["worker-2"], two_nodes.storage_addresses["worker-2"]:
        connection(two_nodes, address)


def test_labels_and_authorizers(two_nodes: Native) -> None:
    assert two_nodes.kubectl("get", "nodes", "-l", "name=worker-2", "-o", "name").stdout == "node/worker-2\n"
    kubelet = ["--as=system:node:worker-1", "--as-group=system:nodes"]
    label = "node-restriction.kubernetes.io/other=yes"
    denied = two_nodes.kubectl("label", "node", "worker-1", label, *kubelet, check=False)
    assert "is not allowed to modify labels" in denied.stderr


@pytest.mark.parametrize(("silent", "seen"), [(False, "closed"), (True, "silence")])
def test_crash_keeps_disks(two_nodes: Native, silent: bool, seen: str) -> None:
    for folder in "/mnt/brick1", "/var/lib/glusterd", "/var/lib/kubelet":
        two_nodes.run("worker-2", ["sh", "-c", f"echo kept > {folder}/note; sync {folder}/note"])
    peer = connection(two_nodes, two_nodes.storage_addresses["worker-2"])
    two_nodes.crash("worker-2", silent=silent)
    assert ends(peer) == seen
    assert two_nodes.machine("worker-2").init() is None
    with pytest.raises(ClusterError, match=r"worker-2 is off. Start it with"):
        two_nodes.run("worker-2", ["true"])

    two_nodes.boot("worker-2")
    for folder in "/mnt/brick1", "/var/lib/glusterd", "/var/lib/kubelet":
        assert two_nodes.run("worker-2", ["cat", f"{folder}/note"]).stdout == "kept\n"
    wait_for("worker-2", lambda: two_nodes.ready("worker-2"), seconds=30, hint="")


@pytest.mark.parametrize(("network", "device", "other"), [("storage", "eth1", "eth0"), ("cluster", "eth0", "eth1")])
def test_cut_and_mend_one_cable(two_nodes: Native, network: str, device: str, other: str) -> None:
    two_nodes.cut("worker-2", network)
    assert (carrier(two_nodes, device), carrier(two_nodes, other)) == ("0", "1")
    assert "cut" in two_nodes.status()
    two_nodes.mend("worker-2")
    assert (carrier(two_nodes, device), carrier(two_nodes, other)) == ("1", "1")


def test_blank_only_while_glusterd_does_not_run(two_nodes: Native) -> None:
    pretend = ["python3", "-c", "import os; os.execv('/usr/bin/sleep', ['glusterd', '60'])"]
    running = subprocess.Popen(two_nodes.command("worker-2", pretend))
    wait_for("it", lambda: "glusterd" in two_nodes.machine("worker-2").programs(), seconds=5, hint="")
    with pytest.raises(ClusterError, match="glusterd is running on worker-2"):
        two_nodes.blank("worker-2")
    running.kill()
    two_nodes.run("worker-2", ["pkill", "-x", "sleep"], check=False)
    two_nodes.crash("worker-2")
    two_nodes.blank("worker-2")
    two_nodes.boot("worker-2")
    assert two_nodes.run("worker-2", ["ls", "/var/lib/glusterd"]).stdout == ""
    assert two_nodes.run("worker-2", ["cat", "/mnt/brick1/note"]).stdout == "kept\n"
    two_nodes.blank("worker-2", bricks=True)
    assert two_nodes.run("worker-2", ["ls", "/mnt/brick1"]).stdout == ""


def test_unknown_node_is_named_with_the_known_ones(two_nodes: Native) -> None:
    with pytest.raises(ClusterError, match=r"no node 'worker-9'. The nodes are: worker-1, worker-2"):
        two_nodes.crash("worker-9")
