"""A claim against a bare FUSE mount of the same volume: `python -m bench.claims`, on the cluster that KUBECONFIG names.

Rates are medians of rounds in which claim and bare mount take turns, on one node, with one replica 3 volume.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.cluster.compute import Compute, driver_pods, pod
from tests.cluster.lab import Lab, Release, nodes, unique

ROUNDS = 5
CLAIMS = (1, 10, 50)
Shell = Callable[[str], str]

# Each prints seconds; `$d` is a new directory on the volume.
TASKS = {
    "write 128 MiB, fsync": ("dd if=/dev/zero of=$d/big bs=1M count=128 conv=fsync status=none", "MiB/s", 128),
    "read 128 MiB, direct": ("dd if=$d/big of=/dev/null bs=1M iflag=direct status=none", "MiB/s", 128),
    "create 300 files of 4 KiB": ("for i in {1..300}; do echo ${p:0:4000} > $d/f$i; done", "files/s", 300),
    "list and stat them": ("ls -l $d > /dev/null", "files/s", 300),
    "remove them": ("rm $d/f*", "files/s", 300),
}


def rates(shell: Shell) -> dict[str, float]:
    """The rate of each task, in its unit."""
    steps = "\n".join(f"s=$(date +%s%N); {task}; echo $((($(date +%s%N) - s) / 1000))" for task, _, _ in TASKS.values())
    prepare = "d=/data/$RANDOM$RANDOM; mkdir $d; p=$(printf x%.0s {1..4000})"
    lines = shell(f"{prepare}\n{steps}\nrm -r $d").split()
    return {
        name: amount / (int(micros) / 1e6) for (name, (_, _, amount)), micros in zip(TASKS.items(), lines, strict=True)
    }


@contextmanager
def installed(lab: Lab, namespace: str) -> Iterator[tuple[Release, str, list[str]]]:
    """The release, the volume's name, the names of its claims."""
    release, volume = Release(lab, namespace), unique("bench")
    names = [f"claim-{number}" for number in range(max(CLAIMS))]
    claims = [{"namespace": namespace, "name": name} for name in names]
    release.install({"nodes": nodes(lab.workers[:3]), "volumes": [{"name": volume, "replica": 3, "claims": claims}]})
    lab.kubectl("rollout", "status", "-n", namespace, "daemonset/gluster-csi", "--timeout=120s")
    try:
        yield release, volume, names
    finally:
        release.uninstall()


def compare(lab: Lab, compute: Compute, release: Release, volume: str) -> None:
    node, server = lab.workers[0], f"{release.fullname}.{release.namespace}.svc.cluster.local"
    claim: list[dict[str, float]] = []
    bare: list[dict[str, float]] = []
    with compute.running(pod(node, "claim-0")) as name, lab.mounted(release.namespace, node, server, volume) as mounted:

        def on_bare(script: str) -> str:
            return mounted(script.replace("d=/data/", f"d=/data/{volume}/"))

        for _ in range(ROUNDS):
            claim.append(rates(lambda script: compute.sh(name, script)))
            bare.append(rates(on_bare))
    print(f"{'':<28}{'claim':>10}{'bare FUSE':>12}{'ratio':>8}")
    for task, (_, unit, _) in TASKS.items():
        one, other = (statistics.median(found[task] for found in runs) for runs in (claim, bare))
        print(f"{task:<28}{one:>10.0f}{other:>12.0f}{one / other:>8.2f}  {unit}")


def starts(lab: Lab, compute: Compute, names: list[str]) -> None:
    """Seconds from creation to Ready of a pod without claims and with more and more; a FUSE mount is made each time."""
    for number in (0, *CLAIMS):
        manifest = pod(lab.workers[1], "claim-0")
        spec = manifest["spec"]
        spec["volumes"] = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in names[:number]]
        spec["containers"][0]["volumeMounts"] = [
            {"name": v["name"], "mountPath": f"/{v['name']}"} for v in spec["volumes"]
        ]
        began = time.monotonic()
        with compute.running(manifest):
            print(f"pod with {number:>2} claims Ready after {time.monotonic() - began:>5.1f} s", end="")
            began = time.monotonic()
        print(f", gone after {time.monotonic() - began:>5.1f} s")


def memory(lab: Lab, compute: Compute, release: Release) -> None:
    """Resident memory on a node with one volume in use."""
    node = lab.workers[2]
    script = "for p in /proc/[0-9]*; do echo $(cat $p/comm) $(sed -n 's/VmRSS:[^0-9]*//p' $p/status); done 2>/dev/null"
    with compute.running(pod(node, "claim-0")):
        for component in ("csi", "client"):
            name = driver_pods(release, component)[node]
            lines = lab.kubectl("exec", "-n", release.namespace, name, "--", "bash", "-c", script).splitlines()
            sizes = [line.split() for line in lines if line.split()[0] in ("python3", "glusterfs")]
            print(f"{component}: {', '.join(f'{word} {int(size) / 1024:.0f} MiB' for word, size, *_ in sizes)}")


def main() -> None:
    lab = Lab(os.environ["KUBECONFIG"])
    with lab.namespace() as namespace, installed(lab, namespace) as (release, volume, names):
        compute = Compute(lab, namespace)
        compare(lab, compute, release, volume)
        starts(lab, compute, names)
        memory(lab, compute, release)


if __name__ == "__main__":
    main()
