"""The cluster with kind does what the native one does. On two nodes of these tests' own, where Docker and kind are."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from testbed import cluster, kind_lifecycle
from testbed.config import ClusterError
from testbed.kind import Kind, cluster_folder
from testbed.shell import run, wait_for
from tests.testbed.helpers import OWN_ID, REPOSITORY, command_line

UP = ("up", "--provider", "kind", "--nodes", "2", "--brick-size", "1G")


def traces() -> list[str]:
    """What Docker has of the cluster."""
    found = []
    for what in ("container", "network"):
        shown = run(
            ["docker", what, "ls", *(["--all"] if what == "container" else []), "--format", "{{json .}}"]
        ).stdout
        found += [line for line in shown.splitlines() if f"gt-{OWN_ID}-" in line]
    return found


@pytest.fixture(scope="module")
def two() -> Iterator[Kind]:
    """An `up` that is killed while kind works, and the one after it."""
    if not kind_lifecycle.is_usable():
        pytest.skip("there is no Docker, or no kind")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TESTBED_ID", OWN_ID)
        try:
            with subprocess.Popen([sys.executable, "-m", "testbed", *UP], cwd=REPOSITORY) as first:
                wait_for("kind's first container", lambda: len(traces()) > 2, seconds=60, hint="")
                first.send_signal(signal.SIGKILL)
            done = command_line(*UP)
            assert "had left" in done.stdout
            made = cluster.current()
            assert isinstance(made, Kind)
            yield made
        finally:
            command_line("down")
    assert traces() == []
    assert not cluster_folder(OWN_ID).exists()


def test_nodes_have_their_names_and_two_bricks_of_their_own(two: Kind) -> None:
    shown = two.kubectl("get", "nodes", "-l", "name", "-o", "jsonpath={.items[*].metadata.name}").stdout
    assert shown == "worker-1 worker-2"
    for name in two.nodes:
        devices = two.run(name, ["stat", "-c", "%d", "/var", "/mnt/brick1", "/mnt/brick2"]).stdout.split()
        assert len(set(devices)) == 3
        size = two.run(name, ["df", "--output=size", "-B1M", "/mnt/brick1"]).stdout.split()[-1]
        assert 900 < int(size) < 1024


def test_up_again_changes_nothing_and_another_size_is_refused(two: Kind) -> None:
    other = command_line("up", "--provider", "kind", "--nodes", "3", check=False)
    assert other.returncode == 1
    assert "take it down first" in other.stderr
    assert two.is_up()


@pytest.mark.parametrize("silent", [False, True])
def test_a_crash_keeps_disks_and_addresses(two: Kind, silent: bool) -> None:
    for folder in "/mnt/brick1", "/var/lib/glusterd":
        two.run("worker-2", ["sh", "-c", f"echo kept > {folder}/note; sync {folder}/note"])
    for name in two.nodes:
        two.crash(name, silent=silent)
    assert "off" in two.status()
    with pytest.raises(ClusterError, match=r"worker-2 is off. Start it with"):
        two.run("worker-2", ["true"])
    for name in reversed(two.nodes):  # Docker would give the first to start the first address
        two.boot(name)
    with pytest.raises(ClusterError, match="worker-2 is on already"):
        two.boot("worker-2")
    for folder in "/mnt/brick1", "/var/lib/glusterd":
        assert two.run("worker-2", ["cat", f"{folder}/note"]).stdout == "kept\n"
    assert addresses(two, "worker-2") == {two.addresses["worker-2"], two.storage_addresses["worker-2"]}
    wait_for("the nodes", lambda: all(map(two.ready, two.nodes)), seconds=120, hint="")
    known = '{.items[*].status.addresses[?(@.type=="InternalIP")].address}'
    shown = two.kubectl("get", "nodes", "-l", "name", "-o", f"jsonpath={known}").stdout
    assert shown.split() == [two.addresses[name] for name in two.nodes]


def test_cut_and_mend_one_cable(two: Kind) -> None:
    for network, left in ("storage", two.addresses), ("cluster", two.storage_addresses):
        two.cut("worker-2", network)
        assert addresses(two, "worker-2") == {left["worker-2"]}
        assert "cut" in two.status()
        two.mend("worker-2")
        assert addresses(two, "worker-2") == {two.addresses["worker-2"], two.storage_addresses["worker-2"]}


def test_blank_only_while_glusterd_does_not_run(two: Kind) -> None:
    for folder in "/mnt/brick1", "/var/lib/glusterd":
        two.run("worker-1", ["sh", "-c", f"echo kept > {folder}/note"])
    pretend = 'cp "$(command -v sleep)" /root/glusterd; exec /root/glusterd 60'
    with subprocess.Popen(two.command("worker-1", ["sh", "-c", pretend])):
        running = ["sh", "-c", "cat /proc/[0-9]*/comm | grep -qx glusterd"]
        wait_for("it", lambda: not two.run("worker-1", running, check=False).returncode, seconds=10, hint="")
        with pytest.raises(ClusterError, match="glusterd is running on worker-1"):
            two.blank("worker-1")
        two.crash("worker-1")
    two.blank("worker-1")
    two.boot("worker-1")
    assert two.run("worker-1", ["ls", "/var/lib/glusterd"]).stdout == ""
    assert two.run("worker-1", ["cat", "/mnt/brick1/note"]).stdout == "kept\n"
    two.crash("worker-1")
    two.blank("worker-1", bricks=True)
    two.boot("worker-1")
    assert two.run("worker-1", ["ls", "/mnt/brick1"]).stdout.split() == ["lost+found"]
    two.blank("worker-1", bricks=True)
    assert two.run("worker-1", ["ls", "/mnt/brick1"]).stdout == ""


def test_unknown_node_is_named_with_the_known_ones(two: Kind) -> None:
    with pytest.raises(ClusterError, match=r"no node 'worker-9'. The nodes are: worker-1, worker-2"):
        two.crash("worker-9")


def addresses(two: Kind, name: str) -> set[str]:
    """Those of the cluster's addresses that the node has."""
    text = two.run(name, ["ip", "-o", "-4", "address", "show"]).stdout
    found = {line.split()[3].partition("/")[0] for line in text.splitlines()}
    return found & {*two.addresses.values(), *two.storage_addresses.values()}
