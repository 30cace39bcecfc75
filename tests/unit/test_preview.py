"""What is said before Helm changes anything, on the in-memory pool."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hooks.kube.pods import PeerPod
from hooks.plan.build import Policy
from hooks.plan.state import HookState
from hooks.run import preview as module
from hooks.run.context import Pool, RunContext
from hooks.run.endings import CannotRead
from hooks.run.preview import Preview, preview, preview_json, preview_text
from hooks.run.reconcile import reconcile
from hooks.run.report import Report
from hooks.values.parse import parse
from hooks.wait import Deadline
from tests.support.values import merged
from tests.unit.fake_pool import FakePool
from tests.unit.running import PLAIN

THREE: dict[str, Any] = {
    **PLAIN,
    "nodes": [{"name": name, "address": f"10.0.0.{i}"} for i, name in enumerate("abc", start=1)],
    "volumes": [{"name": "v", "replica": 3}],
}


def stateful_set(node: str, state: str = "/var/lib/glusterd", ready: int = 1, tls: bool = False) -> dict[str, Any]:
    paths = {"state": state, "brick-1": "/mnt/brick1"}
    volumes = [{"name": name, "hostPath": {"path": path}} for name, path in paths.items()]
    volumes.append({"name": "logs", "emptyDir": {}})
    volumes += [{"name": "tls", "secret": {"secretName": "gluster-tls"}}] if tls else []
    return {
        "metadata": {"name": f"gluster-{node}", "annotations": {"glusterfs-chart/node": node}},
        "spec": {"template": {"spec": {"volumes": volumes}}},
        "status": {"readyReplicas": ready},
    }


class Release:
    """A pool that the hook has made of THREE, and what the API server shows of it."""

    def __init__(self) -> None:
        self.pool = FakePool("a", "b", "c")
        self.memory = HookState()
        self.sets = [stateful_set(node) for node in "abc"]
        self.problems: dict[str, str] = {}
        values = parse(merged(THREE))
        context = RunContext(values, Deadline.after(60), Report(), lambda memory: setattr(self, "memory", memory))
        reconcile(context, Pool(self.pool, self.pool.addresses), self.memory)
        self.commands = len(self.pool.commands)

    def preview(self, policy: Policy = Policy.FULL, **changes: Any) -> Preview:
        values = parse(merged({**THREE, **changes}))
        pods = [PeerPod(n.name, f"gluster-{n.name}-0", "", self.problems.get(n.name, "")) for n in values.nodes]
        release = module.ReleaseState(self.memory, "hosts", pods, module.live_peers(self.sets))
        seen = preview(values, release, self.pool, policy)
        asked = set(self.pool.commands[self.commands :])
        assert asked <= {"system:: uuid get", "peer status", "volume info", "volume status"}, "it only looks"
        return seen


@pytest.fixture
def release() -> Release:
    return Release()


def test_the_same_values_are_nothing_to_do(release: Release) -> None:
    assert preview_text(release.preview()) == "Nothing to do: the pool of 3 peers is what the values ask for."


def test_a_new_node_and_a_new_brick_directory_stand_in_the_plan(release: Release) -> None:
    nodes = [*THREE["nodes"], {"name": "d"}, {"name": "e"}, {"name": "f"}]
    seen = release.preview(nodes=nodes, bricks=["/mnt/brick1", "/mnt/brick2"])
    text = preview_text(seen)
    assert seen.changed == ("a", "b", "c")
    assert "a, b, c: the pod changes and is restarted, one peer at a time." in text
    assert "gluster peer probe ADDRESS-OF-d" in text
    assert "ADDRESS-OF-d:/mnt/brick1/v" in text
    assert "10.0.0.1:/mnt/brick2/v" in text
    assert "d, e, f: no peer runs there yet" in text
    assert not seen.plan.refusals


def test_before_the_first_install_the_whole_plan_is_there(release: Release) -> None:
    release.sets, release.memory = [], HookState()
    text = preview_text(release.preview())
    assert text.startswith("The plan for 3 peers: 5 steps.")
    assert "gluster volume create v replica 3 10.0.0.1:/mnt/brick1/v" in text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"nodes": THREE["nodes"][:2], "volumes": []}, "c was taken out of `nodes`, but its peer holds bricks of v (/"),
        ({"bricks": ["/mnt/other"]}, "has bricks that values no longer give: a:/mnt/brick1/v, b:"),
        ({"volumes": [{"name": "v", "replica": 2, "nodes": ["a", "b"]}]}, "The volume v is replica 3 in the pool"),
        (
            {"volumes": [{"name": "v", "disperse": 3, "redundancy": 1}]},
            "the values ask for disperse 3 redundancy 1: a volume",
        ),
        ({"hostNetwork": False, "nodes": [{"name": n} for n in "abc"]}, "The pool was made on the nodes' network"),
        (
            {"statePath": "/srv/state"},
            "statePath is /srv/state, but the pool's state lies in /var/lib/glusterd on a, b",
        ),
        (
            {"nodes": [{"name": n, "address": f"10.0.0.{i}"} for n, i in zip("abc", (1, 3, 2), strict=True)]},
            "b: its address 10.0.0.3 leads to another glusterd (c, UUID ",
        ),
    ],
)
def test_what_would_lose_or_strand_data_is_refused(release: Release, changes: dict[str, Any], says: str) -> None:
    text = preview_text(release.preview(**changes))
    assert text.startswith("Refused, nothing was changed:")
    assert says in text


def test_a_node_may_go_once_the_pool_does_not_know_its_peer(release: Release) -> None:
    release.pool.peers["c"].cluster.volumes.clear()
    del release.pool.peers["a"].cluster.members[2]
    seen = release.preview(nodes=THREE["nodes"][:2], volumes=[])
    assert not seen.plan.refusals


def test_programs_get_kinds_and_arguments(release: Release) -> None:
    added = json.loads(preview_json(release.preview(volumes=[*THREE["volumes"], {"name": "more", "replica": 3}])))
    (phase,) = added["phases"]
    assert phase["title"] == "Make the volumes, set their options, start them"
    create, start = phase["steps"]
    places = [f"10.0.0.{number}:/mnt/brick1/more" for number in (1, 2, 3)]
    assert create["argv"] == ["volume", "create", "more", "replica", "3", *places]
    assert start == {"type": "gluster", "argv": ["volume", "start", "more"], "peer": "", "volume": "more", "why": ""}
    assert added["refusals"] == added["waits"] == added["notReady"] == added["restarts"] == []
    (refusal,) = json.loads(preview_json(release.preview(volumes=[{"name": "v"}])))["refusals"]
    assert (refusal["kind"], refusal["node"], refusal["volume"]) == ("TypeDiffers", "", "v")
    assert refusal["what"].endswith("a volume's type stays.")
    assert refusal["remedy"].startswith("Put the old type back")


def test_all_nodes_cannot_be_exchanged_at_once(release: Release) -> None:
    seen = release.preview(nodes=[{"name": "x"}], volumes=[])
    assert [str(text).split(",")[0] for text in seen.plan.refusals] == [f"{n} was taken out of `nodes`" for n in "abc"]


def test_an_upgrade_that_may_mend_a_peer_is_not_held_up(release: Release) -> None:
    release.problems = {"b": "its image cannot be had"}
    seen = release.preview()
    assert not seen.plan.refusals
    assert "b: its image cannot be had" in preview_text(seen)
    # but a node does not go unseen, unless its peer never came up
    gone = {"nodes": THREE["nodes"][:2], "volumes": []}
    assert "the pool cannot be asked" in preview_text(release.preview(**gone))
    release.memory, release.sets = HookState(), [*release.sets[:2], stateful_set("c", ready=0)]
    assert not release.preview(**gone).plan.refusals


def test_a_pool_that_cannot_be_read_stops_the_upgrade(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_SECONDS", 0)
    release.pool.peers["c"].answers = False
    with pytest.raises(CannotRead, match="The pool cannot be read, nothing was changed: a gets no connection"):
        release.preview()


@pytest.mark.parametrize(("made_with", "now"), [(True, "with"), (False, "without")])
def test_a_pool_keeps_what_it_was_made_with(release: Release, made_with: bool, now: str) -> None:
    release.sets = [stateful_set(node, tls=made_with) for node in "abc"]
    (refusal,) = release.preview(Policy.UPGRADE, tls={"enabled": not made_with, "existingSecret": ""}).plan.refusals
    assert str(refusal).startswith(
        f"The pool runs {now} TLS, the values ask for `tls.enabled: {str(not made_with).lower()}`."
    )
    assert f"set `tls.enabled: {str(made_with).lower()}`" in str(refusal)


def test_peers_that_never_came_up_may_get_tls_or_lose_it(release: Release) -> None:
    """As after an install on the state folders of a pool without TLS, which the peers refused."""
    release.memory = HookState()
    release.sets = [stateful_set(node, ready=0, tls=True) for node in "abc"]
    release.problems = dict.fromkeys("abc", "its container ended: The state folder ...")
    assert release.preview(Policy.UPGRADE).plan.refusals == ()
