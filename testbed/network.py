"""Networks of a cluster: a fabric namespace with two bridges, and a namespace a node with one cable to each.

    fabric     cluster (10.79.0.1/24), storage; the control plane lives here
    worker-N   eth0 10.79.0.(10+N), pods 10.89.N.0/24        eth1 192.168.58.(20+N)

The addresses are the same in every cluster: none of it is seen outside of the cluster's namespaces.
"""

from pathlib import Path

from testbed.config import ClusterError
from testbed.shell import run

NETWORKS = ("cluster", "storage")
CONTROL_PLANE = "10.79.0.1"
SERVICES = "10.97.0.0/16"
API_SERVICE = "10.97.0.1"
DNS_SERVICE = "10.97.0.10"
PODS = "10.89.0.0/16"
DEVICES = {"cluster": "eth0", "storage": "eth1"}


def node_address(number: int) -> str:
    return f"10.79.0.{10 + number}"


def storage_address(number: int) -> str:
    return f"192.168.58.{20 + number}"


def pod_range(number: int) -> str:
    return f"10.89.{number}.0/24"


def path(namespace: str) -> Path:
    return Path("/run/netns") / namespace


def create_fabric(fabric: str, nodes: int) -> None:
    run(["ip", "netns", "add", fabric])
    commands = ["link set lo up"]
    commands += [f"link add {network} type bridge" for network in NETWORKS]
    commands += [f"addr add {CONTROL_PLANE}/24 dev cluster", *(f"link set {network} up" for network in NETWORKS)]
    commands += [f"route add {pod_range(number)} via {node_address(number)}" for number in range(1, nodes + 1)]
    _ip(fabric, commands)
    _forward(fabric)


def create_node(fabric: str, namespace: str, number: int, nodes: int) -> None:
    """The namespace of one node, cabled to both bridges. The end in the fabric is named after network and node."""
    run(["ip", "netns", "add", namespace])
    for network, device in DEVICES.items():
        port = _port(network, number)
        # A node keeps its hardware addresses over a boot. Measured: with new ones its peers take 20 s to find it.
        address = f"02:00:00:00:{device[-1]:0>2}:{number:02x}"
        cable = f"link add {port} type veth peer name {device} address {address} netns {namespace}"
        _ip(fabric, [cable, f"link set {port} master {network} up"])
    others = [other for other in range(1, nodes + 1) if other != number]
    commands = [
        "link set lo up",
        f"addr add {node_address(number)}/24 dev eth0",
        f"addr add {storage_address(number)}/24 dev eth1",
        "link set eth0 up",
        "link set eth1 up",
        f"route add default via {CONTROL_PLANE}",
        *(f"route add {pod_range(other)} via {node_address(other)}" for other in others),
    ]
    _ip(namespace, commands)
    _forward(namespace)


def remove_node(fabric: str, namespace: str, number: int) -> None:
    """The cables go first: a namespace lives on, unnamed, while a connection in it still waits for an answer."""
    for network in NETWORKS:
        run(["ip", "-n", fabric, "link", "del", _port(network, number)])
    remove(namespace)


def set_cable(fabric: str, network: str, number: int, *, plugged: bool) -> None:
    """Unplugged at the switch, so the node sees its carrier go, as with a real cable."""
    _ip(fabric, [f"link set {_port(network, number)} {'up' if plugged else 'down'}"])


def plugged(fabric: str, network: str, number: int) -> bool:
    shown = run(["ip", "-n", fabric, "-brief", "link", "show", "dev", _port(network, number)], check=False).stdout
    return "UP" in shown.partition("<")[2]


def remove(namespace: str) -> None:
    if path(namespace).exists():
        run(["ip", "netns", "del", namespace])


def find(prefix: str) -> list[str]:
    folder = Path("/run/netns")
    return sorted(entry.name for entry in folder.glob(f"{prefix}*")) if folder.exists() else []


def networks(choice: str) -> tuple[str, ...]:
    if choice == "all":
        return NETWORKS
    if choice not in NETWORKS:
        raise ClusterError(f"There is no network {choice!r}. Use storage, cluster or all.")
    return (choice,)


def _port(network: str, number: int) -> str:
    return f"{network}-{number}"


def _ip(namespace: str, commands: list[str]) -> None:
    run(["ip", "-n", namespace, "-batch", "-"], text="\n".join(commands) + "\n")


def _forward(namespace: str) -> None:
    run(["ip", "netns", "exec", namespace, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])
