"""`helm install` makes the pool and every type of volume; upgrade, uninstall and a new install keep it all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.lab import CommandFailed, Lab, unique
from tests.cluster.release import Release, helms, nodes

BRICK1, BRICK2 = "/mnt/brick1", "/mnt/brick2"


@pytest.fixture(scope="module")
def values(lab: Lab) -> dict[str, Any]:
    """Three nodes with two bricks each, and a volume of every type."""
    a, b, c = lab.workers[:3]
    turned = unique("turned")
    return {
        "nodes": nodes([a, b, c]),
        "bricks": [BRICK1, BRICK2],
        "volumes": [
            {"name": unique("distributed"), "bricks": [BRICK1]},
            {"name": unique("mirror"), "replica": 2, "nodes": [a, b], "bricks": [BRICK1]},
            {"name": unique("three"), "replica": 3, "bricks": [BRICK1], "options": {"performance.nl-cache": True}},
            {"name": unique("arbiter"), "replica": 2, "arbiter": 1, "bricks": [BRICK2]},
            {"name": unique("disperse"), "disperse": 3, "redundancy": 1, "bricks": [BRICK2]},
            {"name": unique("distrep"), "replica": 3},
            {"name": turned, "replica": 2, "layout": [f"{c}:{BRICK2}/{turned}", f"{a}:{BRICK1}/{turned}"]},
        ],
    }


def expected(lab: Lab, values: dict[str, Any]) -> dict[str, tuple[str, list[str]]]:
    """Number of bricks as `volume info` words it, and the bricks in their order, written out by hand for each type."""
    a, b, c = map(lab.address, lab.workers[:3])
    distributed, mirror, three, arbiter, disperse, distrep, turned = (v["name"] for v in values["volumes"])
    return {
        distributed: ("3", [f"{x}:{BRICK1}/{distributed}" for x in (a, b, c)]),
        mirror: ("1 x 2 = 2", [f"{x}:{BRICK1}/{mirror}" for x in (a, b)]),
        three: ("1 x 3 = 3", [f"{x}:{BRICK1}/{three}" for x in (a, b, c)]),
        arbiter: (
            "1 x (2 + 1) = 3",
            [f"{a}:{BRICK2}/{arbiter}", f"{b}:{BRICK2}/{arbiter}", f"{c}:{BRICK2}/{arbiter} (arbiter)"],
        ),
        disperse: ("1 x (2 + 1) = 3", [f"{x}:{BRICK2}/{disperse}" for x in (a, b, c)]),
        distrep: ("2 x 3 = 6", [f"{x}:{p}/{distrep}" for p in (BRICK1, BRICK2) for x in (a, b, c)]),
        turned: ("1 x 2 = 2", [f"{c}:{BRICK2}/{turned}", f"{a}:{BRICK1}/{turned}"]),
    }


def volumes(release: Release) -> list[str]:
    """`volume info` as it outlives a restart: glusterd 11.1 then sorts options anew and forgets nfs.disable."""
    return sorted(line for line in release.gluster("volume", "info").splitlines() if "nfs.disable" not in line)


def execs(report: str) -> int:
    found = re.search(r"\((\d+) execs, ", report)
    assert found, report
    return int(found[1])


class Story:
    """What the first install left, for the later ones to compare with."""

    state = ""
    uuids: dict[str, str]
    checksums = ""


@pytest.fixture(scope="module")
def story() -> Story:
    return Story()


@pytest.fixture(scope="module")
def installed(lab: Lab, namespace: str, values: dict[str, Any], story: Story) -> Iterator[Release]:
    """The first install: Helm 4 without --wait, on empty nodes."""
    release = Release(lab, namespace, helm=helms()[0])
    story.state = release.state
    printed = release.install(values)
    assert "The plan for 3 peers" in printed
    helm, _, report = printed.partition("\nThe plan for ")
    assert "every brick online" in helm, "what came of it is in the user's terminal"
    assert "\\n" not in helm, "Helm 4 escapes line breaks"
    assert report.count("gluster volume create ") >= len(values["volumes"]), "kubectl logs shows the whole"
    yield release
    release.uninstall()


def test_volumes_are_as_values_say(lab: Lab, installed: Release, values: dict[str, Any]) -> None:
    for volume, (count, bricks) in expected(lab, values).items():
        info = installed.info(volume)
        assert (info["Status"], info["Number of Bricks"], info["bricks"]) == ("Started", count, bricks), info
    assert installed.info(values["volumes"][2]["name"])["performance.nl-cache"] == "on"
    assert len(installed.gluster("pool", "list").splitlines()) == 1 + 3
    assert "every brick online" in installed.record()["outcome"]


def test_every_volume_takes_data_and_returns_it(
    lab: Lab, installed: Release, values: dict[str, Any], story: Story
) -> None:
    names = [volume["name"] for volume in values["volumes"]]
    write = "for v in {}; do head -c 3000000 /dev/urandom > /data/$v/blob; echo $v > /data/$v/name; done; cd /data; {}"
    check = "sha256sum */blob */name"
    with lab.mounted(installed.namespace, lab.workers[0], installed.server, *names) as there:
        written = there(write.format(" ".join(names), check))
    with lab.mounted(installed.namespace, lab.workers[1], installed.server, *names) as here:
        assert here(f"cd /data; {check}") == written
    assert len(written.splitlines()) == 2 * len(names)
    story.checksums = written


@pytest.mark.parametrize("flags", [(), ("--wait",)], ids=["plain", "wait"])
def test_upgrade_with_the_same_values_changes_nothing(
    installed: Release, values: dict[str, Any], flags: tuple[str, ...]
) -> None:
    before = installed.gluster("volume", "info")
    uids = installed.uids()
    printed = installed.upgrade(values, *flags)
    assert "Nothing to do: the pool of 3 peers is what the values ask for." in printed
    assert execs(installed.report()) <= 3
    assert installed.gluster("volume", "info") == before
    assert installed.uids() == uids, "no peer was restarted"


def test_plan_from_a_laptop(installed: Release, values: dict[str, Any]) -> None:
    same = installed.plan(values)
    assert (same.returncode, same.stdout.splitlines()[0]) == (
        0,
        "Nothing to do: the pool of 3 peers is what the values ask for.",
    ), same
    more = {**values, "volumes": [*values["volumes"], {"name": "planned", "bricks": [BRICK1]}]}
    planned = installed.plan(more)
    assert planned.returncode == 2, planned
    assert "gluster volume create planned " in planned.stdout
    assert "planned" not in installed.gluster("volume", "list")
    changed = {**values, "volumes": [{"name": values["volumes"][2]["name"], "disperse": 3, "redundancy": 1}]}
    refused = installed.plan(changed)
    assert refused.returncode == 1, refused
    assert "Refused, nothing was changed" in refused.stdout


def test_a_brick_directory_taken_out_of_values_restarts_no_peer(installed: Release, values: dict[str, Any]) -> None:
    before = installed.uids()
    kept = [volume for volume in values["volumes"] if volume.get("bricks") == [BRICK1]]
    with pytest.raises(CommandFailed, match="bricks that values no longer give"):
        installed.upgrade({**values, "bricks": [BRICK1], "volumes": [*kept, {**values["volumes"][5]}]})
    assert installed.uids() == before, "no peer was restarted"
    installed.upgrade(values)
    assert installed.uids() == before


@pytest.mark.parametrize(
    ("helm", "flags"),
    [(helms()[0], ("--wait",)), (helms()[1], ()), (helms()[1], ("--wait",))],
    ids=["helm4-wait", "helm3", "helm3-wait"],
)
def test_uninstall_and_install_give_the_same_pool(
    lab: Lab, installed: Release, values: dict[str, Any], story: Story, helm: str, flags: tuple[str, ...]
) -> None:
    uuids, info = installed.uuids(), volumes(installed)
    installed.uninstall()
    installed.helm = helm
    printed = installed.install(values, *flags)
    assert "every brick online" in printed
    assert installed.uuids() == uuids
    assert volumes(installed) == info
    names = [volume["name"] for volume in values["volumes"]]
    with lab.mounted(installed.namespace, lab.workers[2], installed.server, *names) as there:
        assert there("cd /data; sha256sum */blob */name") == story.checksums
