"""Installs the prototype's scenario on the cluster that KUBECONFIG names and shows a volume shared by two nodes.

Each command is printed before it runs, so that a reader can type the same. A second run upgrades what is there.
"""

from __future__ import annotations

import subprocess
import sys
import time

from testbed.config import patience


def show(command: str, about: str = "") -> None:
    """Print a shell command and what it is about, run it, let its output through. Ends the demo if it fails."""
    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    print(f"\n{f'# {about}{chr(10)}' if about else ''}{bold}$ {command}{plain}", flush=True)
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], check=False)
    if done.returncode:
        sys.exit(f"demo: this exited with {done.returncode}, and the cluster is left as it is, to look at: {command}")


def patient_hook() -> str:
    """Flags that give the hook and Helm's wait for it more time, where TESTBED_PATIENCE asks for that."""
    factor = patience()
    if factor == 1:
        return ""
    return f" --set hooks.activeDeadlineSeconds={280 * factor:.0f} --timeout {300 * factor:.0f}s"


def main() -> None:
    began = time.monotonic()
    show("kubectl get nodes")
    install = "helm upgrade --install gluster charts/glusterfs -f demo/values.yaml --hide-notes"
    show(
        f"{install} -n storage --create-namespace{patient_hook()}",
        "The peers start, then a Job joins them to a pool and makes the volumes: about 20 s without a word.",
    )
    show("kubectl logs -n storage job/gluster-converge", "What that Job did:")
    peer = "kubectl exec -n storage gluster-worker-1-0 -- gluster"
    show(f"{peer} peer status", "The pool and a volume as GlusterFS itself sees them:")
    show(f"{peer} volume status newvol")
    show(
        "helm test gluster -n storage 2>&1 | tail -n 2",
        "A pod on one node writes to each volume, one on another node reads it: about 10 s.",
    )
    for node in ("worker-2", "worker-3"):
        about = "Two ordinary pods, on two nodes, that use the claim newvol:" if node == "worker-2" else ""
        show(f"sed 's/NODE/{node}/; s/CLAIM/newvol/' demo/client.yaml | kubectl apply -f -", about)
    seconds = f"{90 * patience():.0f}s"
    show(f"kubectl wait --for=condition=Ready pod/client-worker-2 pod/client-worker-3 --timeout={seconds}")
    line = f"written on worker-2 at {time.strftime('%H:%M:%S')}"
    show(f"kubectl exec client-worker-2 -- sh -c 'echo {line} > /data/hello; df -h /data'")
    show("kubectl exec client-worker-3 -- cat /data/hello")
    print(f"""
The claim newvol is shared by pods on worker-2 and worker-3 ({time.monotonic() - began:.0f} s). What to try next:

  export KUBECONFIG=$(python3 -m testbed kubeconfig) PATH=$(python3 -m testbed tools):$PATH
  .venv/bin/python -m hooks plan -f demo/values.yaml -n storage   # nothing to do; change a value
  python3 -m testbed crash worker-1                               # the file stays readable
  python3 -m testbed boot worker-1                                # everything heals by itself
  kubectl delete pod client-worker-2 client-worker-3              # else their driver cannot go
  helm uninstall gluster -n storage                               # the data stays on the nodes
  python3 -m testbed down                                         # all goes, without a trace
""")


if __name__ == "__main__":
    main()
