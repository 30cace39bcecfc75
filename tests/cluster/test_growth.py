"""Volumes grow while somebody writes: new nodes, new brick directories, one copy more; no file is lost on the way."""

from __future__ import annotations

from tests.cluster.lab import Lab, fill, unique
from tests.cluster.load import Load
from tests.cluster.release import Release, nodes


def test_volumes_grow_under_a_writer_and_keep_every_file(lab: Lab, release: Release) -> None:
    a, b, c = lab.workers[:3]
    safe, spread, mirror, lean, cold = (unique(word) for word in ("safe", "spread", "mirror", "lean", "cold"))
    before = {
        "nodes": nodes([a, b, c]),
        "volumes": [
            {"name": safe, "replica": 3},
            {"name": spread, "nodes": [a, b]},
            {"name": mirror, "replica": 2, "nodes": [a, b]},
            {"name": lean, "replica": 2, "nodes": [a, b]},
            {"name": cold, "disperse": 3, "redundancy": 1},
        ],
    }
    after = {
        "nodes": nodes([a, b, c], bricks=["/mnt/brick1", "/mnt/brick2"]),
        "volumes": [
            {"name": safe, "replica": 3},
            {"name": spread, "bricks": ["/mnt/brick1"]},
            {"name": mirror, "replica": 3, "bricks": ["/mnt/brick1"]},
            {"name": lean, "replica": 2, "arbiter": 1},
            {"name": cold, "disperse": 3, "redundancy": 1},
        ],
        "hooks": {"activeDeadlineSeconds": 1700},
        "rollout": {"allowDowntime": True},
    }
    release.install(before)
    names = (safe, spread, mirror, lean, cold)
    with lab.mounted(release.namespace, c, release.server, *names) as there:
        sums = fill(there, names, 60, 200000)
        load = Load(there, [safe])
        with load.running():
            printed = release.upgrade(after, "--timeout", "1800s")
        assert "every brick online" in printed
        assert load.failed() == ""
        assert there("cd /data; sha256sum */f*") == sums
        load.check()
    for volume, count in {
        safe: "2 x 3 = 6",
        spread: "3",
        mirror: "1 x 3 = 3",
        lean: "2 x (2 + 1) = 6",
        cold: "2 x (2 + 1) = 6",
    }.items():
        assert release.info(volume)["Number of Bricks"] == count
    assert [brick for brick in release.info(lean)["bricks"] if "arbiter" in brick] == [
        brick for i, brick in enumerate(release.info(lean)["bricks"]) if i % 3 == 2
    ]
    for volume in (safe, cold):
        moved = release.in_peer(a, "bash", "-c", f"ls /mnt/brick2/{volume} | wc -l")
        assert int(moved) > 0, f"no file of {volume} has moved to its new bricks"
