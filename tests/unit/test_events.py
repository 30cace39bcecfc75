"""Findings as Events."""

from __future__ import annotations

from typing import Any

from hooks.plan.model import Finding
from hooks.run.events import events_of

SETS: list[dict[str, Any]] = [
    {
        "metadata": {
            "name": f"gluster-{node}",
            "namespace": "storage",
            "uid": f"uid-{node}",
            "annotations": {"glusterfs-chart/node": node},
        }
    }
    for node in "ba"
]
FULL = Finding("BrickFull", "b:/mnt/brick1 is 91 % full.", node="b", key="b:/mnt/brick1")
FIRST, LATER = "2026-11-24T18:00:00Z", "2026-11-24T18:10:00Z"


def test_a_finding_that_lasts_stays_one_event_and_counts() -> None:
    (first,) = events_of([FULL], SETS, [], FIRST)
    fuller = Finding("BrickFull", "b:/mnt/brick1 is 92 % full.", node="b", key="b:/mnt/brick1")
    (second,) = events_of([fuller], SETS, [first], LATER)
    assert first["metadata"]["name"] == second["metadata"]["name"]
    assert (first["count"], second["count"]) == (1, 2)
    assert (second["firstTimestamp"], second["lastTimestamp"]) == (FIRST, LATER)
    assert second["message"] == "b:/mnt/brick1 is 92 % full."
    assert second["involvedObject"]["uid"] == "uid-b"


def test_each_finding_has_an_event_of_its_own_and_the_pool_s_lie_on_the_first_peer() -> None:
    found = [
        FULL,
        Finding("SplitBrain", "v has 1 entry in split-brain.", key="v"),
        Finding("SplitBrain", "w has 1 entry in split-brain.", key="w"),
        Finding("BrickStarted", "started", node="b", key="b:/mnt/brick1", resolved=True),
        Finding("PeerDisconnected", "gone is away", node="a node that values do not list", key="gone"),
    ]
    events = events_of(found, SETS, [], FIRST)
    assert len({event["metadata"]["name"] for event in events}) == 5
    assert [event["involvedObject"]["name"] for event in events] == [f"gluster-{n}" for n in "baaba"]
    assert [event["type"] for event in events] == ["Warning"] * 3 + ["Normal", "Warning"]


def test_a_long_message_is_cut_to_what_kubernetes_takes() -> None:
    (event,) = events_of([Finding("UpgradeBlocked", "x" * 2000, key="x")], SETS, [], FIRST)
    assert len(event["message"]) == 1024


def test_without_peers_there_is_nothing_to_write_on() -> None:
    assert events_of([FULL], [], [], FIRST) == []
