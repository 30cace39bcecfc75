"""The commands as the chart's Jobs run them, on an API server and a pool kept in memory."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import pytest

from hooks.gluster.runner import ExecResult
from hooks.kube import release as kube
from hooks.kube.pods import NODE_ANNOTATION
from hooks.run import before, converge, maintenance
from hooks.run.endings import CommandFailed, ExitCode, LeaseLost, PlanOnly, Refused
from hooks.run.live_release import LiveRelease
from hooks.run.preview import preview_text
from hooks.run.report import Report
from hooks.values.parse import parse
from hooks.wait import Deadline
from tests.support.values import merged
from tests.unit.clock import FakeClock
from tests.unit.fake_pool import FakePool
from tests.unit.leases import Leases
from tests.unit.running import PLAIN

VALUES: dict[str, Any] = {
    **PLAIN,
    "nodes": [{"name": name, "address": f"10.0.0.{i}"} for i, name in enumerate("abc", start=1)],
    "volumes": [{"name": "v", "replica": 3}],
}
MORE = [*VALUES["volumes"], {"name": "more", "replica": 3}]


class ApiServer(Leases):
    """What hooks.kube.release.Release is asked for, of a release with peers on a, b and c that are all Ready."""

    namespace, name = "storage", "gluster"

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.pool = FakePool("a", "b", "c")
        self.data: dict[str, str] = {}
        self.written: dict[str, Mapping[str, Any]] = {}
        self.at_work: list[str] = []

    def pods(self) -> list[dict[str, Any]]:
        return [
            {
                "metadata": {
                    "name": f"gluster-{node}-0",
                    "namespace": "storage",
                    "annotations": {NODE_ANNOTATION: node},
                },
                "spec": {"subdomain": "gluster"},
                "status": {"hostIP": address, "conditions": [{"type": "Ready", "status": "True"}]},
            }
            for node, address in self.pool.addresses.items()
        ]

    def stateful_sets(self) -> list[dict[str, Any]]:
        paths = {"state": "/var/lib/glusterd", "brick-1": "/mnt/brick1"}
        volumes = [{"name": name, "hostPath": {"path": path}} for name, path in paths.items()]
        return [
            {
                "metadata": {
                    "name": f"gluster-{node}",
                    "namespace": "storage",
                    "uid": node,
                    "annotations": {NODE_ANNOTATION: node},
                },
                "spec": {"template": {"spec": {"volumes": volumes}}},
                "status": {"readyReplicas": 1},
            }
            for node in "abc"
        ]

    def warnings(self) -> list[dict[str, Any]]:
        return []

    def events(self, component: str) -> list[dict[str, Any]]:
        return [dict(event) for event in self.written.values()]

    def make_event(self, event: Mapping[str, Any]) -> None:
        assert event["metadata"]["name"] not in self.written
        self.written[event["metadata"]["name"]] = event

    def change_event(self, event: Mapping[str, Any]) -> None:
        assert event["metadata"]["name"] in self.written
        self.written[event["metadata"]["name"]] = event

    def hooks_at_work(self) -> list[str]:
        return self.at_work

    def record(self, name: str) -> dict[str, str]:
        assert name == "gluster-report"
        return dict(self.data)

    def write_record(self, name: str, data: Mapping[str, str]) -> None:
        assert name == "gluster-report"
        self.data.update(data)

    @property
    def client(self) -> ApiServer:
        return self

    def exec(self, pod: str, argv: Sequence[str], stdin: str, timeout: float) -> ExecResult:
        return self.pool.run(pod.removeprefix("gluster-").removesuffix("-0"), argv, stdin, timeout)


class Release:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.api = ApiServer(self.clock)

    def live(self, **changes: Any) -> LiveRelease:
        return LiveRelease(cast(kube.Release, self.api), parse(merged({**VALUES, **changes})), "gluster")

    def converge(self, **changes: Any) -> ExitCode:
        return converge.run(self.live(**changes), Deadline.after(120, self.clock), Report(self.clock))

    def plan(self, **changes: Any) -> ExitCode:
        return before.plan(self.live(**changes), preview_text)

    def guard(self, **changes: Any) -> ExitCode:
        return before.guard(self.live(**changes), Report(self.clock))

    def maintain(self, **changes: Any) -> ExitCode:
        return maintenance.run(self.live(**changes), Deadline.after(120, self.clock), Report(self.clock))


@pytest.fixture
def release() -> Iterator[Release]:
    handler = signal.getsignal(signal.SIGTERM)
    yield Release()
    signal.signal(signal.SIGTERM, handler)


def test_a_pool_is_made_planned_guarded_and_looked_after(release: Release, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.plan() is ExitCode.CHANGES
    assert release.converge() is ExitCode.DONE
    outcome = "The pool is what the values ask for: 3 peers, 1 volume, every brick online."
    assert release.api.data["outcome"] == outcome
    assert release.api.data["report"].splitlines()[-1].startswith(outcome)
    assert release.api.holder == "", "the Lease is free again"
    capsys.readouterr()
    assert release.plan() is ExitCode.DONE
    assert release.guard() is ExitCode.DONE
    assert (
        capsys.readouterr().out.splitlines() == ["Nothing to do: the pool of 3 peers is what the values ask for."] * 2
    )
    assert release.maintain() is ExitCode.DONE
    assert "All is well: the pool of 3 peers" in release.api.data["maintenance"]
    assert not release.api.written


def test_a_finding_that_lasts_is_one_event_that_counts(release: Release) -> None:
    assert release.converge() is ExitCode.DONE
    asked = [{**volume, "options": {"performance.cache-size": "64MB"}} for volume in VALUES["volumes"]]
    for _ in range(2):
        assert release.maintain(volumes=asked) is ExitCode.DONE
    (event,) = release.api.written.values()
    assert (event["reason"], event["count"]) == ("OptionDrift", 2)


def test_a_refusal_is_recorded(release: Release, capsys: pytest.CaptureFixture[str]) -> None:
    release.converge()
    changed = [{"name": "v"}]
    with pytest.raises(Refused, match="a volume's type stays"):
        release.converge(volumes=changed)
    assert release.api.data["outcome"].startswith("Refused, nothing was changed: 1 reason.")
    assert release.plan(volumes=changed) is ExitCode.REFUSED
    assert release.guard(volumes=changed) is ExitCode.REFUSED
    assert "If this was a `helm rollback`" in capsys.readouterr().out


def test_the_plan_alone(release: Release, capsys: pytest.CaptureFixture[str]) -> None:
    release.converge()
    wanted = {"volumes": MORE, "hooks": {"planOnly": True}}
    assert release.plan(**wanted) is ExitCode.CHANGES
    assert release.guard(**wanted) is ExitCode.PLAN_ONLY
    printed = capsys.readouterr().out
    assert "gluster volume create more" in printed
    assert PlanOnly.NOTICE in printed
    with pytest.raises(PlanOnly):
        release.converge(**wanted)
    assert release.api.data["outcome"].endswith(PlanOnly.NOTICE)
    assert "more" not in release.api.pool.peers["a"].cluster.volumes


def test_a_command_that_fails_is_recorded(release: Release) -> None:
    with pytest.raises(CommandFailed):
        release.converge(volumes=[{"name": "v", "replica": 3, "options": {"no.such-option": 1}}])
    assert "`gluster volume set v no.such-option 1` failed on a" in release.api.data["outcome"]


def test_another_s_record_is_left_alone_once_the_lease_is_lost(release: Release) -> None:
    def steal(number: int) -> bool:
        if number == 3:
            release.api.take_lease("gluster-hook", "thief", 60, release.api.stored)
            release.clock.beat()
            release.api.data = {"outcome": "the thief's"}
        return False

    release.api.pool.lose_connection = steal
    with pytest.raises(LeaseLost):
        release.converge()
    assert release.api.data == {"outcome": "the thief's"}
    assert release.api.holder == "thief"


def test_nobody_looks_after_a_pool_that_a_hook_works_on(release: Release, capsys: pytest.CaptureFixture[str]) -> None:
    release.converge()
    execs = len(release.api.pool.execs)
    release.api.at_work = ["gluster-converge-x"]
    assert release.maintain() is ExitCode.DONE
    release.api.at_work = []
    release.api.take_lease("gluster-hook", "gluster-converge-y", 60, release.api.stored)
    assert release.maintain() is ExitCode.DONE
    printed = capsys.readouterr().out
    assert "A hook, the pod gluster-converge-x, is at work on this release" in printed
    assert "A hook, the pod gluster-converge-y, is at work on this release" in printed
    assert len(release.api.pool.execs) == execs
    assert "maintenance" not in release.api.data


def test_a_pool_that_nobody_made_is_not_looked_after(release: Release, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.maintain() is ExitCode.DONE
    assert "No hook has brought a pool to these values yet" in capsys.readouterr().out


def test_without_peers_there_is_nothing_to_guard(
    release: Release, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(release.api, "stateful_sets", list)
    assert release.guard() is ExitCode.DONE
    assert capsys.readouterr().out == "No peer of this release is there yet: nothing to guard.\n"
