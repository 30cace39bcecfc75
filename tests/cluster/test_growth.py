"""Volumes grow while somebody writes: new nodes, new brick directories, one copy more; no file is lost on the way."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.lab import Lab, fill, unique, until
from tests.cluster.release import Release, nodes

WRITER = """
cd /data/{volume}
for ((i = 0; ; i++)); do
  head -c 100000 /dev/urandom > w$i && sync w$i && sha256sum w$i >> /tmp/acknowledged || echo $i >> /tmp/failed
  sleep 0.1  # a rebalance has to look at every file there is: it must not be outrun for ever
done
"""


@pytest.fixture
def release(lab: Lab, namespace: str) -> Any:
    release = Release(lab, namespace)
    yield release
    release.uninstall()


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
    release.install(before)
    names = (safe, spread, mirror, lean, cold)
    with lab.mounted(release.namespace, c, release.server, *names) as there:
        sums = fill(there, names, 60, 200000)
        there(f"nohup bash -c '{WRITER.format(volume=safe)}' > /dev/null 2>&1 &")
        both = ["/mnt/brick1", "/mnt/brick2"]
        printed = release.upgrade(
            {
                "nodes": nodes([a, b, c], bricks=both),
                "volumes": [
                    {"name": safe, "replica": 3},
                    {"name": spread, "bricks": ["/mnt/brick1"]},
                    {"name": mirror, "replica": 3, "bricks": ["/mnt/brick1"]},
                    {"name": lean, "replica": 2, "arbiter": 1},
                    {"name": cold, "disperse": 3, "redundancy": 1},
                ],
                "hooks": {"activeDeadlineSeconds": 880},
                "rollout": {"allowDowntime": True},
            }
        )
        assert "every brick online" in printed
        until("the writer has gone on", lambda: int(there("wc -l < /tmp/acknowledged")) > 50)
        assert there("cat /tmp/failed 2>/dev/null || true") == ""
        assert there("cd /data; sha256sum */f*") == sums
        there(f"cd /data/{safe}; sha256sum --quiet --check <(head -n -1 /tmp/acknowledged)")
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
