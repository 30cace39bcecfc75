"""Up and down as a person has them: nothing is left, an `up` that was killed does no harm, `--help` helps."""

import pytest

from testbed import cluster
from testbed.native import Native
from tests.testbed.helpers import OWN_ID, command_line, kill_up_when, seen, traces

COMMANDS = (
    "blank",
    "boot",
    "crash",
    "cut",
    "down",
    "env",
    "exec",
    "images",
    "kubeconfig",
    "load",
    "mend",
    "status",
    "tools",
    "up",
)


def test_help_of_every_command() -> None:
    shown = command_line("--help").stdout
    for command in COMMANDS:
        assert f"\n    {command}" in shown
        assert command_line(command, "--help").stdout.startswith(f"usage: python3 -m testbed {command}")


def test_no_cluster_is_said_with_what_to_do(own_id: None) -> None:
    command_line("down")
    done = command_line("status", check=False)
    assert done.returncode == 1
    assert "python -m testbed up" in done.stderr


def test_up_again_changes_nothing_and_down_leaves_nothing(two_nodes: Native) -> None:
    init = two_nodes.machine("worker-1").init()
    again = command_line("up", "--nodes", "2")
    assert "is up already" in again.stdout
    assert two_nodes.machine("worker-1").init() == init
    other = command_line("up", "--nodes", "1", check=False)
    assert other.returncode == 1
    assert "take it down first" in other.stderr

    assert {"processes", "control groups", "namespaces", "loops", "mounts"} <= traces().keys()
    command_line("down")
    assert traces() == {}


def test_two_beds_side_by_side(own_id: None) -> None:
    other = f"{OWN_ID[:11]}b"
    try:
        for bed in OWN_ID, other:
            command_line("up", "--provider", "native", "--nodes", "1", bed=bed)
        command_line("crash", "worker-1")
        assert " on     yes " in command_line("status", bed=other).stdout
        command_line("boot", "worker-1")
    finally:
        command_line("down", bed=other)
    assert traces(other) == {}
    assert command_line("exec", "worker-1", "--", "hostname").stdout == "worker-1\n"


@pytest.mark.parametrize(
    ("kind", "text"),
    [("namespaces", "fabric"), ("control groups", "control-plane"), ("loops", "brick")],
    ids=["network", "control plane", "node"],
)
def test_up_killed_in_the_middle_is_cleared_by_down(own_id: None, kind: str, text: str) -> None:
    kill_up_when(seen(kind, text))
    command_line("down")
    assert traces() == {}


def test_up_after_a_killed_up(own_id: None) -> None:
    kill_up_when(seen("loops"))
    command_line("up", "--provider", "native", "--nodes", "1")
    assert cluster.current().nodes == ("worker-1",)
