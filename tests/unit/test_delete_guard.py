"""Who still mounts volumes of the driver, out of objects as the API server shows them."""

from __future__ import annotations

from typing import Any

import pytest

from hooks.run.delete_guard import Before, VolumeConsumer, consumers, refusal_text

OURS = "gluster.storage.glusterfs"


def volume(namespace: str, claim: str, driver: str = OURS) -> dict[str, Any]:
    reference = {"namespace": namespace, "name": claim}
    return {"spec": {"csi": {"driver": driver, "volumeHandle": "v"}, "claimRef": reference}}


def pod(namespace: str, name: str, phase: str = "Running", node: str = "worker-1", **volume: Any) -> dict[str, Any]:
    volumes = [{"name": "tmp", "emptyDir": {}}, {"name": "data", **volume}]
    return {
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"volumes": volumes, **({"nodeName": node} if node else {})},
        "status": {"phase": phase},
    }


def claim(name: str) -> dict[str, Any]:
    return {"persistentVolumeClaim": {"claimName": name}}


VOLUMES = [
    volume("shop", "pictures"),
    volume("shop", "web-data"),
    volume("shop", "other", "disk.example.com"),
    {"spec": {"nfs": {"server": "nas", "path": "/"}, "claimRef": {"namespace": "shop", "name": "nas"}}},
    {"spec": {"csi": {"driver": OURS, "volumeHandle": "v"}}},
]


@pytest.mark.parametrize(
    ("found", "using"),
    [
        (pod("shop", "web", **claim("pictures")), "pictures"),
        (pod("shop", "web", phase="Pending", **claim("pictures")), "pictures"),
        (pod("shop", "web", ephemeral={"volumeClaimTemplate": {}}), "web-data"),
        (pod("shop", "web", phase="Pending", node="", **claim("pictures")), ""),
        (pod("shop", "web", phase="Succeeded", **claim("pictures")), ""),
        (pod("shop", "web", phase="Failed", **claim("pictures")), ""),
        (pod("default", "web", **claim("pictures")), ""),
        (pod("shop", "web", **claim("other")), ""),
        (pod("shop", "web", **claim("nas")), ""),
    ],
    ids=["runs", "starts", "ephemeral", "has no node", "is done", "failed", "elsewhere", "other driver", "no driver"],
)
def test_who_uses_a_volume(found: dict[str, Any], using: str) -> None:
    expected = [VolumeConsumer("shop", "web", using)] if using else []
    assert consumers(OURS, VOLUMES, [found]) == expected


def test_the_refusal_names_each_pod_and_both_ways_past_it() -> None:
    found = consumers(OURS, VOLUMES, [pod("shop", "web", **claim("pictures")), pod("shop", "api", **claim("pictures"))])
    text = refusal_text(found, "gluster", "storage", Before.UNINSTALL)
    assert text.splitlines()[:3] == [
        "Refused, nothing was deleted: 2 pods still mount volumes of this release.",
        "  - shop/api (claim pictures)",
        "  - shop/web (claim pictures)",
    ]
    assert "`helm uninstall gluster -n storage --no-hooks`" in text
    assert "`hooks.deleteGuard: false`" in text
    nobody = refusal_text([], "gluster", "storage", Before.UNINSTALL)
    assert nobody == "No pod uses a volume of this release: it may go."


def test_an_upgrade_without_the_driver_is_refused_with_how_to_keep_it() -> None:
    found = consumers(OURS, VOLUMES, [pod("shop", "web", **claim("pictures"))])
    text = refusal_text(found, "gluster", "storage", Before.UPGRADE)
    assert text.splitlines()[:2] == [
        "Refused, nothing was changed: 1 pod still mounts volumes of this release.",
        "  - shop/web (claim pictures)",
    ]
    assert "`csi.enabled: true`" in text
    assert "uninstall" not in text
