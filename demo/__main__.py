"""Installs the prototype's scenario on the cluster that KUBECONFIG names and shows a volume shared by two nodes.

Each command is printed before it runs, so that a reader can type the same. A second run upgrades what is there.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent


def show(*argv: str, stdin: str | None = None) -> None:
    """Print a command, run it, let its output through. Ends the demo when it fails."""
    print(f"\n\033[1m$ {shlex.join(argv)}\033[0m", flush=True)
    done = subprocess.run(argv, input=stdin, text=True, check=False)
    if done.returncode:
        sys.exit(f"demo: `{argv[0]}` exited with {done.returncode}; the cluster is left as it is, to look at.")


def client(node: str, claim: str) -> None:
    """A pod on `node` with `claim` at /data, in the namespace of the claim."""
    manifest = (HERE / "client.yaml").read_text().replace("NODE", node).replace("CLAIM", claim)
    show("kubectl", "apply", "-f", "-", stdin=manifest)
    show("kubectl", "wait", "--for=condition=Ready", f"pod/client-{node}", "--timeout=90s")


def main() -> None:
    began = time.monotonic()
    show("kubectl", "get", "nodes", "-o", "wide")
    show(
        "helm",
        "upgrade",
        "--install",
        "gluster",
        "charts/glusterfs",
        "-f",
        str(HERE.name) + "/values.yaml",
        "-n",
        "storage",
        "--create-namespace",
        "--hide-notes",
    )
    show("kubectl", "logs", "-n", "storage", "job/gluster-converge")
    peer = ("kubectl", "exec", "-n", "storage", "gluster-worker-1-0", "--", "gluster")
    show(*peer, "peer", "status")
    show(*peer, "volume", "status", "newvol")
    show("helm", "test", "gluster", "-n", "storage")
    show("kubectl", "get", "pvc", "newvol")
    for node in ("worker-2", "worker-3"):
        client(node, "newvol")
    line = f"written on worker-2 at {time.strftime('%H:%M:%S')}"
    show("kubectl", "exec", "client-worker-2", "--", "sh", "-c", f"echo {line} > /data/hello; df -h /data")
    show("kubectl", "exec", "client-worker-3", "--", "cat", "/data/hello")
    print(f"""
The claim newvol is shared by pods on worker-2 and worker-3 ({time.monotonic() - began:.0f} s). What to try next:

  export KUBECONFIG=$(python3 -m testbed kubeconfig) PATH=$(python3 -m testbed tools):$PATH
  .venv/bin/python -m hooks plan -f demo/values.yaml -n storage     # nothing to do; now change a value and ask again
  python3 -m testbed crash worker-1                                 # pull the plug: the file stays readable
  python3 -m testbed boot worker-1                                  # and everything heals by itself
  kubectl delete pod client-worker-2 client-worker-3                # pods have to go before their driver
  helm uninstall gluster -n storage                                 # the data stays on the nodes for the next install
  python3 -m testbed down                                           # take the cluster away, without a trace
""")


if __name__ == "__main__":
    main()
