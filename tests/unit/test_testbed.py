"""What the test bed decides before it touches the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed import cgroups, config
from testbed.config import ClusterError
from testbed.shell import wait_for
from tests.cluster import lab


@pytest.mark.parametrize("text", ["", "long", "0", "-1", "nan", "inf", "2x"])
def test_patience_that_is_no_factor_is_named_with_an_example(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TESTBED_PATIENCE", text)
    with pytest.raises(ClusterError, match=f"TESTBED_PATIENCE='{text}' is no factor .*for example 5"):
        config.patience()


def test_patience_stretches_every_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TESTBED_PATIENCE", raising=False)
    assert config.patience() == 1
    assert lab.run("echo", "--timeout=90s", "--timeout", "5s", "5s") == "--timeout=90s --timeout 5s 5s\n"
    monkeypatch.setenv("TESTBED_PATIENCE", "0.1")
    assert lab.run("echo", "--timeout=90s", "--timeout", "50s", "50s") == "--timeout=9s --timeout 5s 50s\n"
    with pytest.raises(ClusterError, match="Waited 1 s in vain for it"):
        wait_for("it", lambda: False, seconds=10, hint="")
    with pytest.raises(AssertionError, match="not within 1 s: it"):
        lab.until("it", lambda: False, seconds=10)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("cpuset cpu io memory hugetlb pids rdma", ""),
        ("cpu memory pids", "cpuset, io"),
        ("", "cpu, cpuset, io, memory, pids"),
    ],
    ids=["all", "some", "none"],
)
def test_controllers_that_a_version_2_machine_lacks_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str, missing: str
) -> None:
    monkeypatch.setattr(cgroups, "MOUNT", tmp_path)
    (tmp_path / "cgroup.controllers").write_text(f"{given}\n")
    if not missing:
        cgroups.check()
        return
    with pytest.raises(ClusterError, match=f"lack {missing}, which Kubernetes needs.*Delegate=yes"):
        cgroups.check()
