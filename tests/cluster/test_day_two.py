"""What happens to a pool after its first day: volumes go, nodes leave and are replaced, nodes come back empty."""

from __future__ import annotations

from typing import Any

import pytest

from testbed.cluster import Cluster
from tests.cluster.lab import CommandFailed, Lab, fill, unique, until
from tests.cluster.load import Load
from tests.cluster.loss import come_back_empty
from tests.cluster.release import Release, nodes

LONG = {"hooks": {"activeDeadlineSeconds": 600}}
GONE = {"state": "deleted", "confirm": "yes-really-destroy-data"}


def pool(release: Release, node: str) -> int:
    """Peers in the pool as the one on `node` sees it, itself included."""
    return len(release.gluster("pool", "list", node=node).splitlines()) - 1


def test_a_volume_is_deleted_by_explicit_words_and_its_name_is_free(lab: Lab, release: Release) -> None:
    workers, kept, gone = lab.workers[:3], unique("kept"), unique("gone")
    volumes: list[dict[str, Any]] = [{"name": kept, "replica": 3}, {"name": gone, "replica": 3}]
    release.install({"nodes": nodes(workers), "volumes": volumes})
    before = release.info(gone)["Volume ID"]
    with lab.mounted(release.namespace, workers[0], release.server, kept, gone) as there:
        there(f"for i in $(seq 50); do echo $i > /data/{kept}/$i; echo $i > /data/{gone}/$i; done")
    with pytest.raises(CommandFailed, match="`state: deleted` destroys its data"):
        release.upgrade({"nodes": nodes(workers), "volumes": [volumes[0], {"name": gone, "state": "deleted"}]})
    assert release.info(gone)["Status"] == "Started"
    printed = release.upgrade({"nodes": nodes(workers), "volumes": [volumes[0], {"name": gone, **GONE}]})
    assert f"gluster volume delete {gone}" in printed
    assert release.gluster("volume", "list").split() == [kept]
    for node in workers:
        assert release.in_peer(node, "ls", "/mnt/brick1").split().count(gone) == 0
    release.upgrade({"nodes": nodes(workers), "volumes": volumes})
    assert release.info(gone)["Volume ID"] != before
    with lab.mounted(release.namespace, workers[1], release.server, kept, gone) as there:
        assert there(f"ls /data/{gone}").split() == []
        assert int(there(f"cat /data/{kept}/* | wc -l")) == 50


def test_a_node_leaves_and_another_one_takes_its_place_under_a_writer(
    lab: Lab, release: Release, four: list[str]
) -> None:
    a, b, c, d = four
    safe, cold, wide = unique("safe"), unique("cold"), unique("wide")
    volumes: list[dict[str, Any]] = [
        {"name": safe, "replica": 3},
        {"name": cold, "disperse": 3, "redundancy": 1},
        {"name": wide},
    ]
    release.install({"nodes": nodes([a, b, c]), "volumes": volumes})
    left = {"nodes": [*nodes([a, b]), *nodes([c], state="drained"), *nodes([d])], "volumes": volumes, **LONG}
    with lab.mounted(release.namespace, a, release.server, safe, cold, wide) as there:
        sums = fill(there, (safe, cold, wide), 100, 200000)
        load = Load(there, [safe])
        with load.running():
            printed = release.upgrade(left)
        assert "every brick online" in printed
        assert load.failed() == ""
        assert there("cd /data; sha256sum */f*") == sums
        load.check()
    assert pool(release, a) == 3
    assert pool(release, c) == 1
    for volume in (safe, cold, wide):
        assert sorted(release.on(volume)) == sorted([a, b, d])
    until("what the writer's end left is healed", lambda: release.pending(safe, cold, node=a) == 0)
    assert "Nothing to do" in release.upgrade(left)
    kept = [release.in_peer(node, "bash", "-c", f"cd /mnt/brick1/{safe}; sha256sum f*") for node in (a, b, d)]
    assert kept[0] == kept[1] == kept[2]
    assert release.sizes(cold, a) == release.sizes(cold, d)
    assert release.in_peer(c, "ls", "/mnt/brick1").split().count(wide) == 0


def test_a_node_that_came_back_empty_is_rebuilt_for_a_word(
    lab: Lab, hosts_state: str, release: Release, machines: Cluster
) -> None:
    a, b, c = lab.workers[:3]
    release.state = hosts_state
    safe, cold = unique("safe"), unique("cold")
    volumes = [{"name": safe, "replica": 3}, {"name": cold, "disperse": 3, "redundancy": 1}]
    release.install({"nodes": nodes([a, b, c]), "volumes": volumes})
    uuids = release.uuids()
    with lab.mounted(release.namespace, a, release.server, safe, cold) as there:
        sums = fill(there, (safe, cold), 100, 200000)
        come_back_empty(release, machines, c, bricks=True)
        there(f"echo meanwhile > /data/{safe}/meanwhile")
        with pytest.raises(CommandFailed, match=f"{c} .* was in the pool as peer {uuids[c]}"):
            release.upgrade({"nodes": nodes([a, b, c]), "volumes": volumes})
        word = {"nodes": [*nodes([a, b]), *nodes([c], rebuild="once")], "volumes": volumes, **LONG}
        assert "every brick online" in release.upgrade(word)
        assert there("cd /data; sha256sum */f*") == sums
    assert release.uuids() == uuids
    assert release.pending(safe, cold, node=a) == 0
    assert "Nothing to do" in release.upgrade(word)
    copies = [release.in_peer(node, "bash", "-c", f"cd /mnt/brick1/{safe}; sha256sum *") for node in (a, c)]
    assert copies[0] == copies[1]
    assert "meanwhile" in copies[1]
    assert release.sizes(cold, a) == release.sizes(cold, c)
