"""What a claim costs: its rates against a bare FUSE mount of the same volume, the start of pods, memory.

Rates, and their ratios, are medians of rounds in which claim and bare mount take turns, on one node, with one replica 3
volume.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.table import table
from tests.cluster.compute import Compute, driver_pods, pod
from tests.cluster.lab import Lab, unique
from tests.cluster.release import Release, nodes

ROUNDS = 9
CLAIMS = (1, 10, 50)
Shell = Callable[[str], str]

# What is run, the unit of its rate, how many of them it does; `$d` is a new directory on the volume, `$p` 4000 letters.
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


def compare(lab: Lab, compute: Compute, release: Release, volume: str) -> list[list[str]]:
    """Rows: the task, the rate through a claim, through a bare FUSE mount, their ratio."""
    node = lab.workers[0]
    runs: dict[str, list[dict[str, float]]] = {"claim": [], "bare": []}
    with (
        compute.running(pod(node, "claim-0")) as name,
        lab.mounted(release.namespace, node, release.server, volume) as mounted,
    ):
        shells: dict[str, Shell] = {
            "claim": lambda script: compute.sh(name, script),
            "bare": lambda script: mounted(script.replace("d=/data/", f"d=/data/{volume}/")),
        }
        for turn in range(ROUNDS):
            for which in sorted(shells, reverse=bool(turn % 2)):
                runs[which].append(rates(shells[which]))
    rows = [["", "claim", "bare FUSE mount", "ratio"]]
    for task, (_, unit, _) in TASKS.items():
        one, other = ([found[task] for found in runs[which]] for which in ("claim", "bare"))
        ratio = statistics.median(a / b for a, b in zip(one, other, strict=True))
        rows.append([task, *(f"{statistics.median(these):.0f} {unit}" for these in (one, other)), f"{ratio:.2f}"])
    return rows


def starts(lab: Lab, compute: Compute, names: list[str]) -> list[list[str]]:
    """Seconds from creation to Ready of a pod without claims and with more and more; a FUSE mount is made each time."""
    rows = [["claims of a pod", "Ready after", "gone after"]]
    for number in (0, *CLAIMS):
        manifest = pod(lab.workers[1], "claim-0")
        spec = manifest["spec"]
        spec["volumes"] = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in names[:number]]
        spec["containers"][0]["volumeMounts"] = [
            {"name": v["name"], "mountPath": f"/{v['name']}"} for v in spec["volumes"]
        ]
        began = time.monotonic()
        with compute.running(manifest):
            ready = time.monotonic() - began
            began = time.monotonic()
        rows.append([str(number), f"{ready:.1f} s", f"{time.monotonic() - began:.1f} s"])
    return rows


def memory(lab: Lab, compute: Compute, release: Release) -> list[list[str]]:
    """Resident memory on a node with one volume in use."""
    rows, node = [["pod", "process", "resident"]], lab.workers[2]
    with compute.running(pod(node, "claim-0")):
        for component in ("csi", "client"):
            name = driver_pods(release, component)[node]
            script = (  # the processes of the container's own group, with cgroups v1 or v2
                "for p in $(cat /sys/fs/cgroup/memory/cgroup.procs 2>/dev/null || cat /sys/fs/cgroup/cgroup.procs); "
                "do echo $(cat /proc/$p/comm /proc/$p/statm 2>/dev/null); done"
            )
            for line in lab.kubectl("exec", "-n", release.namespace, name, "--", "sh", "-c", script).splitlines():
                word, *sizes = line.split() or [""]
                if word in ("python3", "glusterfs"):
                    rows.append([component, word, f"{int(sizes[1]) * 4 / 1024:.0f} MiB"])
    return rows


def claims(lab: Lab) -> str:
    """The tables."""
    with lab.namespace() as namespace, installed(lab, namespace) as (release, volume, names):
        compute = Compute(lab, namespace)
        rows = (compare(lab, compute, release, volume), starts(lab, compute, names), memory(lab, compute, release))
        return "\n\n".join(map(table, rows))
