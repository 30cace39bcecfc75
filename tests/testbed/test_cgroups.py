"""Control groups of machines: the start in its two steps, limits of pods, and what a part of the tree lacks."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed import cgroups, images
from testbed.config import patience
from testbed.native import Native
from testbed.shell import wait_for
from tests.testbed.helpers import OWN_ID, REPOSITORY, traces

TOP = Path("/sys/fs/cgroup")
# What a machine's init.sh does in its namespaces, then what its kubelet does: a group for pods with a limit.
MACHINE = """
set -e
mount -t cgroup2 cgroup2 /sys/fs/cgroup
sed 's/[^ ]*/+&/g' /sys/fs/cgroup/cgroup.controllers > /sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/kubepods
echo 64M > /sys/fs/cgroup/kubepods/memory.max
echo started
exec sleep infinity
"""
# A container without an init system: what it sees as the top is a group that has processes.
CONTAINER = [
    "unshare",
    "--cgroup",
    "--mount",
    "sh",
    "-ec",
    'mount -t cgroup2 cgroup2 /sys/fs/cgroup; "$@"',
    "container",
]


def given(folder: Path) -> set[str]:
    """Names of the controllers that a group of version 2 is given."""
    file = folder / "cgroup.controllers"
    return set(file.read_text().split()) if file.exists() else set()


@pytest.fixture
def version_2(own_id: None) -> Iterator[None]:
    if missing := sorted(set(cgroups.VERSION_2) - given(TOP)):
        pytest.skip(
            f"{TOP} is no hierarchy of version 2 with {', '.join(missing)}: this machine's start is version 1's"
        )
    yield
    for groups in cgroups.find(f"gt-{OWN_ID}-").values():
        groups.kill()
        groups.remove()
    assert traces() == {}


def test_a_machine_of_version_2_hands_controllers_down(version_2: None) -> None:
    groups = cgroups.create(f"gt-{OWN_ID}-start")
    command = groups.topped_by(["unshare", "--mount", "--pid", "--fork", "sh", "-c", MACHINE])
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as machine:
        assert machine.stdout
        assert machine.stdout.readline() == "started\n"
        (folder,) = groups.folders
        assert set(cgroups.VERSION_2) <= given(folder / "kubepods")
        assert machine.pid in groups.processes()
        inside = subprocess.run(
            groups.joined_by(["cat", "/proc/self/cgroup"]), capture_output=True, text=True, check=True
        )
        assert inside.stdout.endswith(f"/gt-{OWN_ID}-start/init\n")
        groups.kill()
    groups.remove()
    assert not folder.exists()


def part(controllers: str) -> cgroups.Groups:
    """A group that is given only these controllers."""
    (outer,) = cgroups.create(f"gt-{OWN_ID}-outer").folders
    (outer / "cgroup.subtree_control").write_text(controllers)
    (outer / "part").mkdir()
    return cgroups.Groups((outer / "part",))


def test_what_a_part_of_the_tree_lacks_is_said_before_anything_is_made(version_2: None) -> None:
    up = ["python3", "-m", "testbed", "up", "--provider", "native"]
    command = part("+memory +pids").joined_by([*CONTAINER, "env", f"TESTBED_ID={OWN_ID}", *up])
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"The control groups below {TOP} lack cpu, cpuset, io, which Kubernetes needs." in done.stderr
    assert "from source" not in done.stderr


def test_a_container_gets_its_own_group_back(version_2: None) -> None:
    script = """
from pathlib import Path
from testbed import cgroups
before = Path("/proc/self/cgroup").read_text()
groups = cgroups.create("gt-x-inner")
given = (groups.folders[0] / "cgroup.controllers").read_text()
print(before, Path("/proc/self/cgroup").read_text(), given, sep="", end="")
groups.remove()
cgroups.tidy()
assert Path("/proc/self/cgroup").read_text() == before
assert not list(cgroups.MOUNT.glob("gt-*"))
"""
    command = part("+cpu +cpuset +io +memory +pids").joined_by([*CONTAINER, "python3", "-c", script])
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    expected = "0::/\n0::/gt-others\ncpuset cpu io memory pids\n"
    assert (done.stdout, done.returncode) == (expected, 0), done.stderr


def test_a_pod_over_its_memory_limit_is_killed_and_only_it(two_nodes: Native) -> None:
    image = images.project_images()["glusterfs"].reference

    def pod(name: str, script: str) -> dict[str, object]:
        container = {"name": name, "image": image, "command": ["bash", "-c", script], "imagePullPolicy": "Never"}
        limited = {**container, "resources": {"limits": {"memory": "64Mi"}}}
        spec = {"nodeName": "worker-1", "restartPolicy": "Never", "containers": [limited]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}

    def ended(name: str) -> str:
        """How the pod's container ended, "" while it runs."""
        path = "jsonpath={.status.containerStatuses[0].state.terminated.reason}"
        return two_nodes.kubectl("get", "pod", name, "-o", path).stdout

    pods = [pod("greedy", "tail /dev/zero"), pod("modest", "head -c 16M /dev/zero | tail -c 16M | sleep infinity")]
    init = two_nodes.machine("worker-1").init()
    kubelets = two_nodes.run("worker-1", ["pidof", "kubelet", "containerd"]).stdout
    wait_for(
        "the pods to be made",
        lambda: (
            not two_nodes.kubectl(
                "apply", "-f", "-", text=json.dumps({"kind": "List", "apiVersion": "v1", "items": pods}), check=False
            ).returncode
        ),
        seconds=30,
        hint="",
    )
    two_nodes.kubectl(
        "wait", "--for=jsonpath={.status.phase}=Running", "pod/modest", f"--timeout={90 * patience():.0f}s"
    )
    wait_for("the greedy pod to end", lambda: ended("greedy") != "", seconds=90, hint="")
    assert (ended("greedy"), ended("modest")) == ("OOMKilled", "")
    assert two_nodes.machine("worker-1").init() == init
    assert two_nodes.run("worker-1", ["pidof", "kubelet", "containerd"]).stdout == kubelets
    two_nodes.kubectl("delete", "pod", "greedy", "modest", "--grace-period=0", "--force")
