"""Prints every table, on the cluster that KUBECONFIG names: `make bench`, or `python -m bench planning hook`."""

from __future__ import annotations

import os
import sys

from bench.claims import claims
from bench.faults import faults
from bench.hook import against_by_hand, no_op, running_peers
from bench.planning import planning
from tests.cluster.lab import Lab

PARTS = ("planning", "hook", "claims", "faults")


def main(wanted: list[str]) -> None:
    if unknown := set(wanted) - set(PARTS):
        sys.exit(f"bench: unknown {', '.join(unknown)}; the parts are {', '.join(PARTS)}.")
    for part in wanted or PARTS:
        if part == "planning":
            print(planning(), flush=True)
        elif part in ("claims", "faults"):
            tables = {"claims": claims, "faults": faults}[part]
            print(f"\n{tables(Lab(os.environ['KUBECONFIG']))}", flush=True)
        else:
            with running_peers(Lab(os.environ["KUBECONFIG"])) as peers:
                print(f"\n{against_by_hand(peers)}\n\n{no_op(peers)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
