"""One whole run of the hook: what forbids it comes first, then what is broken, then changed pods, then values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from hooks.gluster.runner import PeerUnavailable
from hooks.kube.pods import PeerPod
from hooks.plan.state import HookState
from hooks.run import rollout, whole
from hooks.run.context import RunContext
from hooks.run.converge import converge
from hooks.run.endings import LeaseLost, PlanOnly, Refused
from hooks.run.report import Report
from hooks.values.parse import parse
from hooks.values.volumes import CONFIRM
from hooks.wait import Deadline
from tests.support.values import merged
from tests.unit.clock import FakeClock
from tests.unit.fake_pool import FakePool, FakeVolume
from tests.unit.running import is_whole, write_to_all

pytestmark = pytest.mark.usefixtures("no_waiting")


SAFE = {"name": "safe", "replica": 3}


class Release:
    """Three peers that serve a volume, whose pods the next run finds outdated."""

    def __init__(self) -> None:
        self.pool = FakePool("a", "b", "c")
        self.memory = HookState()
        self.report = Report()
        self.outdated: list[str] = []
        self.deleted: list[str] = []
        self.problem = ""
        self.lost: Callable[[], bool] = lambda: False
        self.upgrade()
        write_to_all(self.pool)
        self.outdated = ["a", "b", "c"]

    @property
    def volume(self) -> FakeVolume:
        return self.pool.peers["a"].cluster.volumes["safe"]

    def upgrade(self, volumes: Sequence[dict[str, Any]] = (SAFE,), word: str = "", **values: Any) -> None:
        nodes = [{"name": name, "address": f"10.0.0.{i}"} for i, name in enumerate("abc", start=1)]
        raw = {"nodes": [*nodes[:2], {**nodes[2], "rebuild": word}], "volumes": [*volumes], **values}
        clock = FakeClock()
        self.report = Report(clock)
        context = RunContext(parse(merged(raw)), Deadline.after(60, clock), self.report, self.save, self.lost)
        converge(context, self.memory, self)

    def save(self, memory: HookState) -> None:
        self.memory = memory

    def look(self) -> list[PeerPod]:
        return [PeerPod(n, f"{n}-0", "", self.problem, bool(self.problem), n in self.outdated) for n in "abc"]

    def runner(self, pods: Sequence[PeerPod]) -> FakePool:
        return self.pool

    def delete(self, pod: str) -> None:
        node = pod.removesuffix("-0")
        assert is_whole(self.pool, self.volume)
        assert all(brick.online for brick in self.volume.bricks)
        self.outdated.remove(node)
        self.deleted.append(node)


def test_an_offline_brick_is_started_before_any_peer_is_restarted() -> None:
    release = Release()
    release.volume.bricks[1].online = False
    release.upgrade()
    assert release.deleted == ["a", "b", "c"]


def test_a_lost_peer_is_rebuilt_before_any_peer_is_restarted() -> None:
    release = Release()
    uuid = release.memory.uuids["c"]
    release.pool.blank("c")
    with pytest.raises(Refused, match=r"c \(10.0.0.3\) was in the pool as peer"):
        release.upgrade()
    assert release.deleted == []
    release.upgrade(word="once")
    assert release.deleted == ["a", "b", "c"]
    assert release.pool.peers["c"].uuid == uuid
    assert release.memory.rebuilt == {"c": ("once",)}


def test_what_needs_a_new_pod_does_not_keep_peers_from_getting_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A brick whose disk the old pod does not see is refused, but not by what comes before the restart."""
    monkeypatch.setattr(whole, "REPAIR_SECONDS", 0)
    release = Release()
    brick = release.volume.bricks[0]
    brick.online = False
    folder = release.pool.peers["a"].folder(brick.path)
    seen = dict(folder)
    folder.update(kind="absent", id="", root_disk=True)

    def delete(pod: str) -> None:
        release.outdated.remove(pod.removesuffix("-0"))
        release.deleted.append(pod.removesuffix("-0"))
        folder.update(seen)
        brick.online = True

    release.delete = delete  # type: ignore[method-assign]
    release.upgrade()
    assert release.deleted == ["a", "b", "c"]


def test_no_peer_is_restarted_for_a_plan_that_is_refused() -> None:
    release = Release()
    with pytest.raises(Refused, match=r"nothing was changed.*\n.*a volume's type stays"):
        release.upgrade([{"name": "safe"}])
    assert release.deleted == []


def test_the_plan_alone_is_an_ending_of_its_own_and_changes_nothing() -> None:
    release = Release()
    commands = len(release.pool.commands)
    with pytest.raises(PlanOnly) as ended:
        release.upgrade([SAFE, {"name": "more"}], hooks={"planOnly": True})
    assert "gluster volume create more" in str(ended.value)
    assert str(ended.value).endswith(PlanOnly.NOTICE)
    assert release.deleted == []
    assert not [c for c in release.pool.commands[commands:] if "create" in c or "start" in c]
    with pytest.raises(Refused, match="a volume's type stays"):
        release.upgrade([{"name": "safe"}], hooks={"planOnly": True})


def test_a_pool_that_cannot_be_read_for_a_moment_does_not_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hooks.run.converge.SETTLE_SECONDS", 5)
    release = Release()
    first = len(release.pool.execs) + 1
    whole = release.pool.run

    def run_or_not(*args: Any, **kwargs: Any) -> Any:
        result = whole(*args, **kwargs)
        if len(release.pool.execs) == first:
            raise PeerUnavailable("b has just come back")
        return result

    release.pool.run = run_or_not  # type: ignore[method-assign]
    release.upgrade()
    assert release.deleted == ["a", "b", "c"]


def test_what_ends_a_run_after_a_restart_does_not_say_that_nothing_was_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout, "STUCK_SECONDS", -1)
    release = Release()
    delete = release.delete

    def delete_for_good(pod: str) -> None:
        delete(pod)
        release.problem = "ImagePullBackOff"

    release.delete = delete_for_good  # type: ignore[method-assign]
    with pytest.raises(Refused, match=r"The peers did not all start, what was done before is kept: 3 of 3") as stopped:
        release.upgrade()
    assert "nothing was changed" not in str(stopped.value)
    later = Release()
    delete = later.delete

    def delete_and_grow_foreign(pod: str) -> None:
        delete(pod)
        later.pool.peers["a"].folder("/mnt/brick1/more").update(kind="filled", data="yes")

    later.delete = delete_and_grow_foreign  # type: ignore[method-assign]
    with pytest.raises(Refused, match="Stopped; what was done before is kept"):
        later.upgrade([SAFE, {"name": "more"}])


@pytest.mark.parametrize("at", [1, 4, 8, 12])
def test_a_hook_that_has_lost_its_lock_asks_and_records_nothing_more(at: int) -> None:
    release = Release()
    execs, memory = len(release.pool.execs), release.memory
    release.lost = lambda: len(release.pool.execs) >= execs + at
    with pytest.raises(LeaseLost, match="The lock on this release was lost to another hook"):
        release.upgrade([{"name": "safe", "replica": 3, "options": {"nfs.disable": "off"}}])
    assert len(release.pool.execs) == execs + at
    assert release.memory == memory
    assert release.deleted == []


def test_a_volume_that_is_to_be_deleted_keeps_no_peer_from_a_new_pod() -> None:
    release = Release()
    release.outdated = []
    release.upgrade([SAFE, {"name": "old"}])
    release.pool.peers["a"].cluster.volumes["old"].bricks[1].online = False
    release.outdated = ["a", "b", "c"]
    release.upgrade([SAFE, {"name": "old", "state": "deleted", "confirm": CONFIRM}])
    assert release.deleted == ["a", "b", "c"]
    assert [*release.pool.peers["a"].cluster.volumes] == ["safe"]
