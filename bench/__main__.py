"""Prints every table, on the cluster that KUBECONFIG names: `make bench`, or `python -m bench planning hook`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from bench.claims import claims
from bench.faults import faults
from bench.hook import against_by_hand, no_op, running_peers
from bench.planning import planning
from tests.cluster.lab import Lab


def _lab() -> Lab:
    return Lab(os.environ["KUBECONFIG"])


def _hook() -> str:
    with running_peers(_lab()) as peers:
        return f"{against_by_hand(peers)}\n\n{no_op(peers)}"


PARTS: dict[str, Callable[[], str]] = {
    "planning": planning,
    "hook": _hook,
    "claims": lambda: claims(_lab()),
    "faults": lambda: faults(_lab()),
}


def main(wanted: list[str]) -> None:
    if unknown := set(wanted) - set(PARTS):
        sys.exit(f"bench: unknown {', '.join(unknown)}; the parts are {', '.join(PARTS)}.")
    for part in wanted or PARTS:
        print(f"{PARTS[part]()}\n", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
