"""Where things are and which versions are used: paths, the checkout's cluster id, the pins of versions.toml."""

import hashlib
import math
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parent
REPOSITORY = SOURCE.parent


class ClusterError(Exception):
    """Something a person has to know: what is wrong with names and values, then what to do."""


def cache_folder() -> Path:
    """Everything the test bed makes lies below this one folder."""
    if own := os.environ.get("TESTBED_CACHE"):
        return Path(own).resolve()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return (Path(base) / "glusterfs-testbed").resolve()


def cluster_id() -> str:
    """One id a checkout, so that two checkouts on a machine have two clusters. TESTBED_ID overrides it."""
    own = os.environ.get("TESTBED_ID")
    if own is None:
        # Another cache folder is another cluster: its `up` must not take this one for leftovers of its own.
        place = f"{REPOSITORY}{os.environ.get('TESTBED_CACHE', '')}"
        return hashlib.sha256(place.encode()).hexdigest()[:6]
    if not re.fullmatch(r"[a-z0-9]{1,12}", own):
        raise ClusterError(f"TESTBED_ID={own!r} is no cluster id. Use 1 to 12 of a-z and 0-9, for example dev2.")
    return own


def patience() -> float:
    """What every time-out is multiplied by, for a slow or busy machine: TESTBED_PATIENCE, 1 where it is not set."""
    text = os.environ.get("TESTBED_PATIENCE", "1")
    try:
        factor = float(text)
    except ValueError:
        factor = 0
    if not 0 < factor < math.inf:
        raise ClusterError(
            f"TESTBED_PATIENCE={text!r} is no factor for time-outs. Use a number above 0, for example 5 on a machine "
            "that is five times as slow as usual."
        )
    return factor


@dataclass(frozen=True)
class Versions:
    kubernetes: str
    kubernetes_tested: tuple[str, ...]
    go: str
    coredns: str
    kubectl_and_helm4: tuple[str, str]  # a package of the Python package index and its version
    helm3: tuple[str, str]
    helm_sources: dict[str, str]  # major version: version
    kind: str
    kind_node: str  # kind's image of a node
    debian_node: str
    debian_image: str
    sidecars: dict[str, tuple[str, str]]  # program: its Go module and version


def versions() -> Versions:
    pins = tomllib.loads((SOURCE / "versions.toml").read_text())
    return Versions(
        kubernetes=pins["kubernetes"],
        kubernetes_tested=tuple(pins["kubernetes-tested"]),
        go=pins["go"],
        coredns=pins["coredns"],
        kubectl_and_helm4=(pins["kubectl-and-helm4"]["package"], pins["kubectl-and-helm4"]["version"]),
        helm3=(pins["helm3"]["package"], pins["helm3"]["version"]),
        helm_sources={"4": pins["helm4-source"], "3": pins["helm3-source"]},
        kind=pins["kind"]["version"],
        kind_node=pins["kind"]["node"],
        debian_node=pins["debian"]["node"],
        debian_image=pins["debian"]["image"],
        sidecars={name: (pin["module"], pin["version"]) for name, pin in pins["sidecars"].items()},
    )
