"""What maintenance puts right on a real pool, and what it only reports. One release; it runs when the tests want it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.cluster.lab import Lab, unique, until
from tests.cluster.release import MAINTENANCE, Release, nodes

ALL_IS_WELL = "All is well: the pool of 3 peers has every brick online, and nothing is to heal."


@pytest.fixture(scope="module")
def values(lab: Lab) -> dict[str, Any]:
    volume = {"name": unique("safe"), "replica": 3, "options": {"performance.nl-cache": True}}
    return {"nodes": nodes(lab.workers[:3]), "volumes": [volume], "maintenance": MAINTENANCE}


@pytest.fixture(scope="module")
def installed(lab: Lab, namespace: str, values: dict[str, Any]) -> Iterator[Release]:
    release = Release(lab, namespace)
    release.install(values)
    yield release
    release.uninstall()


@pytest.fixture
def volume(values: dict[str, Any]) -> str:
    return str(values["volumes"][0]["name"])


def events(release: Release, reason: str) -> list[dict[str, Any]]:
    """Maintenance's Events of a reason."""
    selector = f"source=glusterfs-maintenance,reason={reason}"
    return list(release.lab.get("events", "-n", release.namespace, "--field-selector", selector)["items"])


def on_brick(release: Release, node: str, script: str) -> str:
    return release.in_peer(node, "bash", "-ec", f"cd /mnt/brick1; {script}")


def kill_brick(release: Release, node: str, volume: str) -> None:
    release.in_peer(node, "bash", "-c", f"kill -9 $(cat /run/gluster/vols/{volume}/*.pid)")
    until("glusterd has noticed", lambda: not online(release, volume)[node], 20)


def online(release: Release, volume: str) -> dict[str, bool]:
    """Node -> whether its brick is online, as `volume status` has it."""
    found = release.processes(volume, node=release.lab.workers[0])
    by_address = {process.host: process.online for process in found if process.is_brick}
    return {node: by_address[release.lab.address(node)] for node in release.lab.workers[:3]}


def test_a_healthy_pool_costs_three_execs_and_has_no_events(installed: Release) -> None:
    first, *_, last = installed.maintain().splitlines()
    assert first == ALL_IS_WELL
    assert last.startswith("(3 execs, ")
    assert installed.record()["maintenance"].split(" ", 1)[1].startswith(ALL_IS_WELL)
    listed = installed.lab.get("events", "-n", installed.namespace, "--field-selector", "source=glusterfs-maintenance")
    assert listed["items"] == []


def test_a_brick_whose_process_was_killed_is_started(lab: Lab, installed: Release, volume: str) -> None:
    two = lab.workers[1]
    kill_brick(installed, two, volume)
    log = installed.maintain()
    assert log.startswith("Looked after the pool of 3 peers: 1 put right, 0 findings.")
    assert f"{two}:/mnt/brick1/{volume}: the brick of {volume} was offline and has been started." in log
    assert online(installed, volume)[two]
    (event,) = events(installed, "BrickStarted")
    assert (event["involvedObject"]["kind"], event["involvedObject"]["name"]) == ("StatefulSet", f"gluster-{two}")
    assert event["type"] == "Normal"


def test_a_brick_on_a_blank_folder_is_said_in_one_event_and_left(lab: Lab, installed: Release, volume: str) -> None:
    three = lab.workers[2]
    kill_brick(installed, three, volume)
    on_brick(installed, three, f"mv {volume} {volume}.away")
    for _ in range(2):
        log = installed.maintain()
        assert f"the brick of {volume} is offline and its folder does not show that volume's id" in log
        assert "volume start" not in log
    assert on_brick(installed, three, f"ls -d {volume} 2>/dev/null || echo gone").strip() == "gone"
    (event,) = events(installed, "BrickOffline")
    assert (event["involvedObject"]["name"], event["count"], event["type"]) == (f"gluster-{three}", 2, "Warning")
    on_brick(installed, three, f"mv {volume}.away {volume}")
    assert "was offline and has been started" in installed.maintain()
    assert all(online(installed, volume).values())


def blame(release: Release, node: str, file: str, *bricks: int) -> None:
    """The brick on `node` is told that these of its volume, by their numbers, miss a change of `file`."""
    volume, name = file.split("/")
    pending = [f"setfattr -n trusted.afr.{volume}-client-{i} -v 0x000000010000000000000000 {name}" for i in bricks]
    id_of = f"id=$(getfattr --only-values -n trusted.gfid {name} | od -An -v -tx1 | tr -d ' \\n')"
    index = "touch .glusterfs/indices/xattrop/${id:0:8}-${id:8:4}-${id:12:4}-${id:16:4}-${id:20}"
    on_brick(release, node, "\n".join([f"cd {volume}", *pending, id_of, index]))


def test_a_heal_that_waits_is_asked_for(lab: Lab, installed: Release, volume: str) -> None:
    """One brick is told that another misses a change, as a link that was cut leaves it: nobody heals until asked."""
    one, two, three = lab.workers[:3]
    with lab.mounted(installed.namespace, one, lab.address(one), volume) as shell:
        shell(f"echo right > /data/{volume}/file; echo torn > /data/{volume}/torn")
    on_brick(installed, two, f"truncate -s 0 {volume}/file")
    for node in (one, three):
        blame(installed, node, f"{volume}/file", 1)
    assert installed.pending(volume, node=lab.workers[0]) == 2
    log = installed.maintain()
    assert f"{volume} has 2 entries to heal: the heal was triggered." in log
    until("it is healed", lambda: not installed.pending(volume, node=lab.workers[0]), 30)
    assert on_brick(installed, two, f"cat {volume}/file") == "right\n"


def test_a_split_brain_is_said_with_its_file(lab: Lab, installed: Release, volume: str) -> None:
    """Each brick is told that both others are wrong, as copies are that were written to apart."""
    for number, node in enumerate(lab.workers[:3]):
        blame(installed, node, f"{volume}/torn", *({0, 1, 2} - {number}))
    log = installed.maintain()
    assert f"{volume} has 1 entry in split-brain: /torn." in log
    (event,) = events(installed, "SplitBrain")
    assert event["type"] == "Warning"
    right = f"{lab.address(lab.workers[0])}:/mnt/brick1/{volume}"
    installed.gluster("volume", "heal", volume, "split-brain", "source-brick", right, "/torn")
    until("it is healed", lambda: not installed.pending(volume, node=lab.workers[0]), 30)


def test_an_option_changed_by_hand_is_said_and_left(installed: Release, volume: str) -> None:
    installed.gluster("volume", "set", volume, "performance.nl-cache", "off")
    assert (
        f"Options of {volume} differ from the values: performance.nl-cache is off, the values ask for on."
        in installed.maintain()
    )
    assert installed.info(volume)["performance.nl-cache"] == "off"
    installed.gluster("volume", "set", volume, "performance.nl-cache", "on")


def test_while_a_hook_is_at_work_it_ends_quietly(lab: Lab, installed: Release) -> None:
    holder = installed.peers()[lab.workers[0]]
    lease = ("lease", f"{installed.fullname}-hook", "-n", installed.namespace)

    def hold(who: str) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": who, "leaseDurationSeconds": 60, "renewTime": now, "acquireTime": now}
        lab.kubectl("patch", *lease, "--type=merge", "-p", json.dumps({"spec": spec}))

    hold(holder)
    try:
        log = installed.maintain()
    finally:
        hold("")
    assert log == f"A hook, the pod {holder}, is at work on this release: nothing is done until the next run.\n"
    assert installed.maintain().startswith(ALL_IS_WELL)


def test_a_peer_that_is_away_and_then_rejected(
    lab: Lab, installed: Release, values: dict[str, Any], volume: str
) -> None:
    """Its configuration was changed by hand: it is named, and repaired only where the values ask for so."""
    one, two, three = lab.workers[:3]
    peer = ("statefulset", f"{installed.fullname}-{three}", "-n", installed.namespace)
    on_brick(installed, one, f"cat {volume}/file")
    installed.in_peer(
        three,
        "sed",
        "-i",
        "s/^performance.nl-cache=.*/performance.nl-cache=off/",
        f"/var/lib/glusterd/vols/{volume}/info",
    )
    lab.kubectl("scale", *peer, "--replicas=0")
    until("it is gone", lambda: three not in installed.peers())
    log = installed.maintain()
    assert f"The peer on {three} is not Ready: it has no pod yet." in log
    assert log.startswith("Looked after the pool of 3 peers: 0 put right, 1 finding.")
    (event,) = events(installed, "PeerDisconnected")
    assert event["involvedObject"]["name"] == f"gluster-{three}"

    lab.kubectl("scale", *peer, "--replicas=1")
    until("it is there", lambda: three in installed.peers())
    installed.wait_ready(three)
    until("it is rejected", lambda: "Rejected" in installed.gluster("peer", "status", node=one))
    log = installed.maintain()
    assert f"{three} is rejected by {one} and {two}: the checksum of the volume {volume} (version " in log
    assert "`maintenance.repairRejected: true`" in log
    assert "Rejected" in installed.gluster("peer", "status", node=one)
    (event,) = events(installed, "PeerRejected")
    assert event["involvedObject"]["name"] == f"gluster-{three}"

    # No hook could change anything now; and by the way each brick's file system counts as full.
    installed.upgrade(
        {**values, "maintenance": {**MAINTENANCE, "repairRejected": True, "diskUsageThreshold": 1}}, "--no-hooks"
    )
    uuids = installed.uuids()
    log = installed.maintain()
    assert f"{three} was rejected; it took {volume} over from the others." in log
    assert "Rejected" not in installed.gluster("peer", "status", node=one)
    assert installed.uuids() == uuids
    assert all(online(installed, volume).values())
    until("it heals", lambda: not installed.pending(volume, node=lab.workers[0]), 30)
    with lab.mounted(installed.namespace, three, lab.address(three), volume) as shell:
        assert shell(f"cat /data/{volume}/file") == "right\n"
    log = installed.maintain()
    assert log.startswith("Looked after the pool of 3 peers: 0 put right, 3 findings.")
    assert f"{three}:/mnt/brick1 is " in log
    assert "every brick online" in installed.upgrade(values)
