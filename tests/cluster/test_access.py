"""Who can reach a volume: a pod without a claim, on the pod network, not privileged, with everything GlusterFS has.

The same is tried on a pool without TLS, where it has to succeed: else these tests would prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from testbed.config import patience
from tests.cluster.compute import Compute, pod
from tests.cluster.lab import CommandFailed, Lab, script_pod, unique
from tests.cluster.release import Release, nodes

INTRUDER = Path(__file__).with_name("intruder.py")
SECRET = "what only pods with the claim may read"
SECONDS = 40
"""For one attempt. Where nothing is in its way it takes two or three."""
WAYS = {"in clear text": (), "with a certificate of its own making": ("tls",)}


@dataclass(frozen=True)
class Pool:
    """An installed release with a volume, its values, and by attempt what intruders got at: all they printed.

    `volumes` are those that the pool had afterwards.
    """

    release: Release
    values: dict[str, Any]
    said: dict[tuple[str, str], str]
    volumes: list[str]

    @property
    def tls(self) -> bool:
        return bool(self.values["tls"]["enabled"])


@pytest.fixture(scope="module", params=[True, False], ids=["tls", "plain"])
def pool(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Pool]:
    volume = unique("private")
    with lab.namespace() as namespace:
        release = Release(lab, namespace)
        claims = [{"namespace": namespace, "name": "data"}]
        values: dict[str, Any] = {
            "nodes": nodes(lab.workers[:3]),
            "volumes": [{"name": volume, "replica": 3, "claims": claims}],
            "tls": {"enabled": request.param},
        }
        release.install(values)
        compute = Compute(lab, namespace)
        with compute.running(pod(lab.workers[0], "data")) as name:
            compute.sh(name, f"echo {SECRET} > /data/file")
        looks, change = attempts(lab, release, volume)
        said = intrude(lab, looks) | intrude(lab, change)
        yield Pool(release, values, said, release.gluster("volume", "list").split())
        release.uninstall()


def attempts(lab: Lab, release: Release, volume: str) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """What an intruder tries, as arguments of its script: to get at something, then to change something."""
    first, second = lab.workers[:2]
    address, brick = lab.address(first), f"/mnt/brick1/{volume}"
    status = release.gluster("volume", "status", volume, f"{address}:{brick}", "detail")
    (port,) = [line.split(":")[1].strip() for line in status.splitlines() if line.startswith("TCP Port")]
    uuids = release.uuids()
    change = ["volume", "create", f"{volume}-not", f"{address}:{brick}-not", "force"]
    looks = {
        "through glusterd": ["read", volume, "/file", address],
        "past glusterd": ["brick", brick, "/file", address, port],
        "login": ["spec", f"{volume}.{address}.mnt-brick1-{volume}", address],
    }
    # That it knows the peers' UUIDs is given: without TLS `peer status` tells them to anybody.
    return looks, {"change": ["become", uuids[second], address, uuids[first], *change]}


def intrude(lab: Lab, attempts: dict[str, list[str]]) -> dict[tuple[str, str], str]:
    """Try all of it in each way at the same time, each in a pod of its own, in a namespace without claims."""
    with lab.namespace() as namespace:

        def act(one: tuple[str, str]) -> str:
            what, way = one
            manifest = script_pod("intruder", "exec sleep infinity", {}, nodeName=lab.workers[1])
            with Compute(lab, namespace).running(manifest) as name:
                argv = ["timeout", f"{SECONDS * patience():.0f}", "python3", "-", *WAYS[way], *attempts[what]]
                line = ("exec", "-i", "-n", namespace, name, "--", *argv)
                return lab.kubectl(*line, stdin=INTRUDER.read_text(), check=False)

        tries = [(what, way) for what in attempts for way in WAYS]
        with ThreadPoolExecutor(len(tries)) as side_by_side:
            return dict(zip(tries, side_by_side.map(act, tries), strict=True))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", ["through glusterd", "past glusterd"])
def test_reading_a_volume(pool: Pool, what: str, way: str) -> None:
    said = pool.said[what, way]
    assert (f"READ {SECRET}" in said) == (not pool.tls and way == "in clear text"), said


@pytest.mark.parametrize("way", WAYS)
def test_the_login_that_bricks_trust(pool: Pool, way: str) -> None:
    said = pool.said["login", way]
    assert ("option auth.login." in said) == (not pool.tls and way == "in clear text"), said


def test_changing_the_pool_as_another_peer(pool: Pool) -> None:
    assert any(name.endswith("-not") for name in pool.volumes) == (not pool.tls), pool.said


def test_an_upgrade_neither_gives_nor_takes_tls(pool: Pool) -> None:
    """Under living clients, that is; and no peer is restarted for it."""
    uids = pool.release.uids()
    with pytest.raises(CommandFailed, match="The pool runs with"):
        pool.release.upgrade({**pool.values, "tls": {"enabled": not pool.tls}})
    assert pool.release.uids() == uids
