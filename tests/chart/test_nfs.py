"""The NFS server's objects: who may reach what, and when it starts anew."""

from __future__ import annotations

from typing import Any

from tests.chart.helm import Helm, Rendered

VALUES: dict[str, Any] = {
    "nodes": [{"name": "worker-1"}, {"name": "worker-2"}],
    "volumes": [{"name": "newvol", "replica": 2}, {"name": "other"}],
}


def served(helm: Helm, *volumes: str, **more: Any) -> Rendered:
    return helm.template({**VALUES, "nfs": {"volumes": [*volumes]}, **more})


def template(rendered: Rendered) -> Any:
    return rendered.one("Deployment", "*-nfs")["spec"]["template"]


def test_there_is_none_unless_a_volume_is_listed(helm4: Helm) -> None:
    assert not [name for _, name in served(helm4).by_key() if name.endswith("-nfs")]
    rendered = served(helm4, "newvol")
    assert {kind for kind, name in rendered.by_key() if name.endswith("-nfs")} == {"ConfigMap", "Service", "Deployment"}
    exports = rendered.one("ConfigMap", "*-nfs")["data"]["ganesha.conf"]
    assert exports.count("EXPORT {") == 1
    assert "Pseudo = /newvol;" in exports
    assert 'Hostname = gluster.storage.svc.cluster.local; Volume = "newvol";' in exports


def test_it_has_no_rights_and_no_token(helm4: Helm) -> None:
    spec = template(served(helm4, "newvol"))["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["automountServiceAccountToken"] is False
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_it_starts_anew_for_other_volumes_and_for_nothing_else(helm4: Helm) -> None:
    assert template(served(helm4, "newvol")) != template(served(helm4, "newvol", "other"))
    assert template(served(helm4, "newvol")) == template(served(helm4, "newvol", maintenance={"enabled": False}))


def test_it_has_the_certificate_of_a_pool_with_tls(helm4: Helm) -> None:
    plain, tls = (template(served(helm4, "newvol", tls={"enabled": on}))["spec"] for on in (False, True))
    assert not [v for v in plain["volumes"] if "secret" in v]
    assert [v["secret"]["secretName"] for v in tls["volumes"] if "secret" in v] == ["gluster-tls"]
    assert "/tls" in [mount["mountPath"] for mount in tls["containers"][0]["volumeMounts"]]
