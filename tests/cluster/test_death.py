"""A hook that dies after any of its commands leaves nothing that the next run does not put right, on real glusterd."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from hooks.gluster.model import Observed
from tests.cluster.lab import Lab, unique
from tests.cluster.mortal import Died, Person
from tests.cluster.release import Release, nodes


@pytest.fixture(scope="module")
def person(lab: Lab, namespace: str) -> Iterator[Person]:
    """Three running peers that no hook has touched."""
    release = Release(lab, namespace)
    release.start_peers(lab.workers[:3], bricks=["/mnt/brick1", "/mnt/brick2"])
    yield Person(lab, release)
    release.uninstall()


def scene(lab: Lab) -> dict[str, Any]:
    return {
        "nodes": nodes(lab.workers[:3]),
        "volumes": [
            {"name": unique("a"), "replica": 3, "options": {"performance.cache-size": "64MB"}},
            {"name": unique("b"), "replica": 2, "nodes": lab.workers[:2], "options": {"network.ping-timeout": 20}},
            {"name": unique("c"), "disperse": 3, "redundancy": 1},
        ],
    }


def right(observed: Observed, raw: dict[str, Any], bricks: Sequence[int]) -> None:
    live = {volume.name: volume for volume in observed.volumes}
    for volume, count in zip(raw["volumes"], bricks, strict=True):
        assert live[volume["name"]].started
        assert len(live[volume["name"]].bricks) == count
        for key, value in volume.get("options", {}).items():
            assert dict(live[volume["name"]].options)[key] == str(value)


def test_install_is_survived_at_every_step(lab: Lab, person: Person) -> None:
    deaths = 0
    while True:
        raw = scene(lab)
        try:
            observed = person.hook(raw, life=deaths + 1)
        except Died:
            deaths += 1
            observed = person.hook(raw)
            right(observed, raw, (3, 2, 3))
            person.raze([volume["name"] for volume in raw["volumes"]])
        else:
            break
    assert deaths == 3 + 3 + 2 + 3, "probes, creates, options, starts"
    print(f"the hook died after each of {deaths} steps of an install and the next run put it right")
    person.raze([volume["name"] for volume in raw["volumes"]])


def test_expansion_is_survived_at_every_step(lab: Lab, person: Person) -> None:
    deaths, died = 0, True
    while died:
        raw = {"nodes": nodes(lab.workers[:3]), "volumes": [{"name": unique("a"), "replica": 3}]}
        person.hook(raw)
        more = {**raw, "bricks": ["/mnt/brick1", "/mnt/brick2"]}
        try:
            observed = person.hook(more, life=deaths + 1)
            died = False
        except Died:
            deaths += 1
            observed = person.hook(more)
        right(observed, more, (6,))
        assert not person.memory.rebalancing
        person.raze([volume["name"] for volume in raw["volumes"]])
    assert deaths == 2, "add-brick and rebalance"
    print(f"the hook died after each of {deaths} steps of an expansion and the next run put it right")
