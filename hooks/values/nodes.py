"""The second stage of checking values, for nodes and their directories: what a schema cannot check.

If you change a sentence here, change it in the chart's validation/_nodes.tpl too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hooks.values.model import Node
from hooks.values.paths import PLAIN_PATH_WANTED, is_plain_path

_DNS_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(\.{_OCTET}){{3}}")
_LOOPBACK = re.compile(r"localhost(\..*)?|127\..*|0\.0\.0\.0|::1")
_SYSTEM = re.compile(
    r"/|/(bin|boot|dev|etc|lib|lib64|proc|run|sbin|sys|usr)(/.*)?|/var(/(cache|lib|log|tmp))?"
    r"|/var/(run|lib/glusterd|log/glusterfs)(/.*)?"
)


def nodes_of(raw: Mapping[str, Any]) -> tuple[Node, ...]:
    """The entries of `nodes`, in their order, of values that keep the schema; they may still have problems."""
    return tuple(
        Node(
            name=node["name"],
            address=node.get("address") or None,
            bricks=tuple(node.get("bricks", raw["bricks"])),
            rebuild=node.get("rebuild", ""),
            drained=node.get("state") == "drained",
        )
        for node in raw["nodes"]
    )


def node_problems(raw: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with `statePath`, `bricks` and `nodes` of values that keep the schema."""
    state = raw["statePath"]
    if not is_plain_path(state):
        yield f"statePath: {state} {PLAIN_PATH_WANTED}, such as /var/lib/glusterd."
    yield from _brick_directory_problems("bricks", "", raw["bricks"], state)
    domain = raw["clusterDomain"]
    if not _DNS_NAME.fullmatch(domain):
        yield (
            f"clusterDomain: {domain} is no DNS domain: "
            "take what follows `svc.` on the search line of a pod's /etc/resolv.conf, such as cluster.local."
        )
    if not raw["nodes"]:
        yield "nodes: there is none: list the nodes that hold bricks, such as `nodes: [{name: worker-1}]`."
    if raw["nodes"] and all(node.get("state") == "drained" for node in raw["nodes"]):
        yield "nodes: all are drained: a pool needs nodes to stay on."
    names: dict[str, str] = {}
    addresses: dict[str, str] = {}
    selectors: dict[str, str] = {}
    for i, node in enumerate(raw["nodes"]):
        name = node["name"]
        here = f"nodes[{i}] ({name})"
        if name in names:
            yield f"{here}: {names[name]} has this name too: remove one of them, a node is listed once."
            continue
        names[name] = f"nodes[{i}]"
        if not _DNS_NAME.fullmatch(name):
            yield f"{here}: this is no name of a Kubernetes node: take it from `kubectl get nodes`."
        if node.get("address") and not raw["hostNetwork"]:
            yield (
                f"{here}: address {node['address']} goes with the hosts' network, but with `hostNetwork: false` "
                "the name of its pod is a peer's address: leave it out."
            )
        elif node.get("address"):
            yield from _address_problems(here, node["address"], addresses)
        yield from _selector_problems(here, node, selectors)
        if "bricks" in node:
            yield from _brick_directory_problems(f"nodes[{i}].bricks", f" ({name})", node["bricks"], state)


def _address_problems(here: str, address: str, taken: dict[str, str]) -> Iterator[str]:
    """`taken` maps the good addresses so far to their nodes; this one is added."""
    if _LOOPBACK.fullmatch(address):
        yield (
            f"{here}: address {address} means each node itself, no other peer finds it: "
            "give the one that the others reach, or leave it out for the node's own."
        )
    elif not (_IPV4 if re.fullmatch(r"[0-9.]+", address) else _DNS_NAME).fullmatch(address):
        yield (
            f"{here}: address {address} is neither an IPv4 address nor a DNS name: "
            "write it like 192.168.58.21 or worker-1.storage.example, without a port."
        )
    elif address in taken:
        yield f"{here}: address {address} is that of {taken[address]} too: give each node its own."
    else:
        taken[address] = here


def _selector_problems(here: str, node: Mapping[str, Any], taken: dict[str, str]) -> Iterator[str]:
    """`taken` maps the selectors so far to their nodes; this one is added."""
    selector = node.get("nodeSelector") or {"kubernetes.io/hostname": node["name"]}
    if not node.get("nodeSelector") and len(node["name"]) > 63:
        yield f"{here}: a label holds at most 63 characters, so the name finds no node: add a nodeSelector."
    labels = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
    if labels in taken:
        yield (
            f"{here}: nodeSelector {labels} is that of {taken[labels]} too, so both peers could land on one node: "
            "give each node a label of its own."
        )
    else:
        taken[labels] = here


def _brick_directory_problems(where: str, name: str, paths: Sequence[str], state: str) -> Iterator[str]:
    for i, path in enumerate(paths):
        here = f"{where}[{i}]{name}"
        others = [(j, other) for j, other in enumerate(paths[:i]) if _overlap(path, other)]
        if _SYSTEM.fullmatch(path):
            yield f"{here}: {path} belongs to the system: give bricks a directory such as /mnt/brick1."
        elif not is_plain_path(path):
            yield f"{here}: {path} {PLAIN_PATH_WANTED}, such as /mnt/brick1."
        elif _overlap(path, state):
            yield f"{here}: {path} and statePath {state} lie one in the other: keep them apart."
        elif others:
            j, other = others[0]
            yield f"{here}: {path} and {where}[{j}] {other} lie one in the other: use directories side by side."


def _overlap(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")
