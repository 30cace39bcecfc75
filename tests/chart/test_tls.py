"""TLS as the chart sets it up: who gets the certificate, who makes it, and that one value turns it all on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.helm import Helm, Rendered

VALUES: dict[str, Any] = {"nodes": [{"name": "worker-1"}], "csi": {"enabled": True}, "tls": {"enabled": True}}
FILES = [("tls.crt", "glusterfs.pem"), ("tls.key", "glusterfs.key"), ("ca.crt", "glusterfs.ca")]


def secrets(rendered: Rendered) -> dict[str, str]:
    """Workload -> the Secret that its pods have at /tls."""
    found = {}
    for made in rendered.objects:
        spec = made.get("spec", {}).get("template", {}).get("spec", {})
        for volume in spec.get("volumes", []):
            if "secret" in volume:
                assert [(item["key"], item["path"]) for item in volume["secret"]["items"]] == FILES
                assert volume["secret"]["defaultMode"] == 0o400
                (container,) = spec["containers"]
                assert {"name": "tls", "mountPath": "/tls", "readOnly": True} in container["volumeMounts"]
                found[made["metadata"]["name"]] = volume["secret"]["secretName"]
    return found


def client_arguments(rendered: Rendered) -> list[str]:
    (container,) = rendered.one("DaemonSet", "gluster-client")["spec"]["template"]["spec"]["containers"]
    return list(container["args"])


def test_peers_and_clients_have_the_certificate_and_nobody_has_the_authority(helm: Helm) -> None:
    rendered = helm.template(VALUES)
    assert secrets(rendered) == {"gluster-worker-1": "gluster-tls", "gluster-client": "gluster-tls"}
    assert "--tls" in client_arguments(rendered)
    assert "Secret" not in {made["kind"] for made in rendered.objects}, "what a template makes is made anew each time"


def test_the_hook_that_makes_it_may_do_no_more(helm: Helm) -> None:
    rendered = helm.template(VALUES)
    rules = rendered.one("Role", "gluster-certificates")["rules"]
    assert [(rule["resources"], rule.get("resourceNames"), rule["verbs"]) for rule in rules] == [
        (["secrets"], None, ["create"]),
        (["secrets"], ["gluster-tls", "gluster-tls-ca"], ["get", "update"]),
    ]
    roles = [made for made in rendered.objects if made["kind"] in ("Role", "ClusterRole")]
    others = [role for role in roles if role["metadata"]["name"] != "gluster-certificates"]
    assert not [rule for role in others for rule in role["rules"] if "secrets" in rule["resources"]]
    kinds = ("ServiceAccount", "Role", "RoleBinding", "Job")
    notes = [rendered.one(kind, "gluster-certificates")["metadata"]["annotations"] for kind in kinds]
    assert {note["helm.sh/hook"] for note in notes} == {"pre-install,pre-upgrade"}
    weights = [int(note["helm.sh/hook-weight"]) for note in notes]
    assert weights == sorted(weights)
    guard = rendered.one("Job", "gluster-guard")["metadata"]["annotations"]
    assert int(guard["helm.sh/hook-weight"]) < weights[0], "what the guard refuses gets no certificate"
    job = rendered.one("Job", "gluster-certificates")["spec"]["template"]["spec"]
    assert job["containers"][0]["args"][:2] == ["certificates", "gluster-tls"]
    assert [volume["name"] for volume in job["volumes"]] == ["tmp"]


@pytest.mark.parametrize("tls", [{}, {"enabled": True, "existingSecret": "mine"}], ids=["default", "existing"])
def test_without_a_certificate_to_make_no_hook_makes_one(helm: Helm, tls: dict[str, Any]) -> None:
    rendered = helm.template({**VALUES, "tls": tls})
    assert not [made for made in rendered.objects if made["metadata"]["name"].endswith("-certificates")]
    assert set(secrets(rendered).values()) == ({"mine"} if "existingSecret" in tls else set())
    assert ("--tls" in client_arguments(rendered)) == ("existingSecret" in tls)
