"""What would lose or strand data is refused by a real `helm upgrade` before Helm changes an object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.lab import CommandFailed, Lab, unique, until
from tests.cluster.release import Release, nodes

KINDS = "statefulsets,pods,services,configmaps,serviceaccounts,roles,rolebindings,poddisruptionbudgets"
ONE_MORE = {"options": {"performance.nl-cache": True}}


@pytest.fixture(scope="module")
def values(lab: Lab) -> dict[str, Any]:
    return {
        "nodes": nodes(lab.workers[:3]),
        "volumes": [{"name": unique("safe"), "replica": 3}, {"name": unique("cold"), "disperse": 3, "redundancy": 1}],
    }


@pytest.fixture(scope="module")
def installed(lab: Lab, namespace: str, values: dict[str, Any]) -> Iterator[Release]:
    release = Release(lab, namespace)
    release.install(values)
    yield release
    release.uninstall()


def state(release: Release) -> tuple[dict[str, str], list[str]]:
    """Every object with its version (pods with their UID, as their status moves by itself), and `volume info`."""
    objects = {}
    for found in release.lab.get(KINDS, "-n", release.namespace)["items"]:
        meta = found["metadata"]
        if meta["name"] != "kube-root-ca.crt" and "job-name" not in meta.get("labels", {}):
            objects[f"{found['kind']}/{meta['name']}"] = meta["uid" if found["kind"] == "Pod" else "resourceVersion"]
    return objects, sorted(release.gluster("volume", "info").splitlines())


def changes(lab: Lab, values: dict[str, Any]) -> dict[str, tuple[dict[str, Any], str]]:
    one, two, three = lab.workers[:3]
    safe, cold = values["volumes"]
    swapped = [
        {"name": one},
        {"name": two, "address": lab.address(three)},
        {"name": three, "address": lab.address(two)},
    ]
    return {
        "a node left out": ({"nodes": nodes([one, two]), "volumes": []}, f"{three} was taken out of `nodes`, but its"),
        "a brick path changed": ({"bricks": ["/mnt/brick2"]}, "has bricks that values no longer give"),
        "addresses exchanged": ({"nodes": swapped}, f"leads to another glusterd ({three}, UUID "),
        "a copy fewer": (
            {"volumes": [{**safe, "replica": 2, "nodes": [one, two]}, cold]},
            f"The volume {safe['name']} is replica 3 in the pool, the values ask for replica 2: a volume's type stays",
        ),
        "another type": (
            {"volumes": [{"name": safe["name"], "disperse": 3, "redundancy": 1}, cold]},
            "the values ask for disperse 3 redundancy 1: a volume's type stays",
        ),
        "the pod network": (
            {"hostNetwork": False},
            "The pool was made on the nodes' network, the values ask for `hostNet",
        ),
        "another state folder": ({"statePath": "/var/lib/glusterd-tests/other"}, "but the pool's state lies in"),
        "the plan alone": (
            {"hooks": {"planOnly": True}, "volumes": [{**safe, **ONE_MORE}, cold]},
            "The plan for 3 peers: 1 step. `hooks.planOnly` is true",
        ),
    }


CHANGES = (
    "a node left out",
    "a brick path changed",
    "addresses exchanged",
    "a copy fewer",
    "another type",
    "the pod network",
    "another state folder",
    "the plan alone",
)


@pytest.mark.parametrize("change", CHANGES)
def test_an_upgrade_is_refused_and_nothing_has_changed(
    lab: Lab, installed: Release, values: dict[str, Any], change: str
) -> None:
    changed, sentence = changes(lab, values)[change]
    before = state(installed)
    with pytest.raises(CommandFailed) as failed:
        installed.upgrade({**values, **changed})
    assert sentence in str(failed.value)
    assert "nothing was changed" in str(failed.value)
    assert state(installed) == before


def test_the_plan_alone_is_in_the_guard_s_log(lab: Lab, installed: Release, values: dict[str, Any]) -> None:
    with pytest.raises(CommandFailed):
        installed.upgrade({**values, **changes(lab, values)["the plan alone"][0]})
    volume = values["volumes"][0]["name"]
    log = lab.kubectl("logs", "-n", installed.namespace, "job/gluster-guard")
    assert f"gluster volume set {volume} performance.nl-cache on" in log


def test_a_refusal_leaves_its_job_and_a_success_nothing(lab: Lab, installed: Release, values: dict[str, Any]) -> None:
    kinds = f"jobs,{KINDS}"
    here = ("get", kinds, "-n", installed.namespace, "-o", "name")

    def left() -> list[str]:
        return [name for name in lab.kubectl(*here).split() if "guard" in name and not name.startswith("pod/")]

    with pytest.raises(CommandFailed):
        installed.upgrade({**values, "statePath": "/var/lib/glusterd-tests/other"})
    assert left() == ["job.batch/gluster-guard"]
    assert "but the pool's state lies in" in lab.kubectl("logs", "-n", installed.namespace, "job/gluster-guard")
    installed.upgrade(values)
    assert left() == []


def test_without_peers_there_is_nothing_to_guard(lab: Lab, installed: Release, values: dict[str, Any]) -> None:
    """As when Argo CD syncs for the first time, or somebody has deleted them."""
    lab.kubectl("delete", "statefulsets", "--all", "-n", installed.namespace)
    until("the peers have ended", lambda: not installed.peers())
    printed = installed.upgrade(values)
    assert "No peer of this release is there yet: nothing to guard." in printed
    assert "every brick online" in printed


def test_a_rollback_is_guarded_too(installed: Release, values: dict[str, Any]) -> None:
    """The revisions of this release: the first one knows less volumes than the pool then has, which loses nothing."""
    more = {**values, "volumes": [*values["volumes"], {"name": unique("more"), "replica": 3}]}
    installed.upgrade(more)
    printed = installed.rollback()
    assert "not in `volumes`: kept as it is" in printed
    two = {"name": unique("two"), "replica": 2, "nodes": [node["name"] for node in values["nodes"][:2]]}
    installed.upgrade({**values, "volumes": [two]})
    installed.upgrade({**values, "volumes": [{"name": two["name"], "replica": 3}]})
    before = state(installed)
    with pytest.raises(CommandFailed, match="is replica 3 in the pool, the values ask for replica 2") as failed:
        installed.rollback()
    assert state(installed) == before
    assert "\\n" not in str(failed.value), "Helm 4 escapes line breaks"
    logs = f"kubectl -n {installed.namespace} logs job/gluster-guard"
    assert f"The whole report: `{logs}`." in str(failed.value)
    # Helm leaves the refused revision as `pending-rollback`; the report tells how to go on.
    report = installed.lab.kubectl(*logs.split()[1:])
    assert f"helm rollback gluster REVISION -n {installed.namespace}" in report
    with pytest.raises(CommandFailed, match="another operation"):
        installed.upgrade(values)
    deployed = installed.revisions()["deployed"]
    assert "every brick online" in installed.rollback(deployed)
    assert "every brick online" in installed.upgrade({**values, "volumes": [{"name": two["name"], "replica": 3}]})
