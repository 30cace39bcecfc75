"""What of Docker's the cluster with kind needs: containers and networks, asked and made with its command line."""

import json
from typing import Any

from testbed.shell import run


def running(label: str) -> list[str]:
    """The names of the containers with that label that run."""
    return run(["docker", "ps", "--filter", f"label={label}", "--format", "{{.Names}}"]).stdout.split()


def inspect(name: str) -> dict[str, Any]:
    """A container or network as Docker shows it."""
    return dict(json.loads(run(["docker", "inspect", name]).stdout)[0])


def plugged(container: str) -> dict[str, str]:
    """The networks of a container, and its address in each; "" while it is off."""
    found = inspect(container)["NetworkSettings"]["Networks"]
    return {network: values["IPAddress"] for network, values in found.items()}


def create_network(name: str) -> None:
    """A network in which containers may choose their addresses.

    Docker allows that only where the subnet was chosen as well: it picks a free one, and is then asked for that.
    """
    run(["docker", "network", "create", name])
    chosen = subnet(name)
    run(["docker", "network", "rm", name])
    run(["docker", "network", "create", "--subnet", chosen, name])


def subnet(network: str) -> str:
    """The network's range of IPv4 addresses."""
    ranges = [entry["Subnet"] for entry in inspect(network)["IPAM"]["Config"]]
    return str(next(entry for entry in ranges if "." in entry))
