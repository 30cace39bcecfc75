"""What the chart makes of values, under both Helms."""

from __future__ import annotations

import re
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from hooks.kube.names import fullname
from hooks.values.files import load, merged
from hooks.values.parse import parse
from tests.chart.helm import CHART, EXAMPLES, THREE, Helm, Rendered, pod_spec

KUBERNETES = [v for v in dict.fromkeys(kubernetes_validate.utils.all_versions()) if v != "1.25.0"]


# Both Helms, every Kubernetes


@pytest.mark.parametrize("example", EXAMPLES)
def test_both_helms_make_the_same_of_an_example(helm: Helm, helm4: Helm, example: str) -> None:
    assert helm.template(EXAMPLES[example]) == helm4.template(EXAMPLES[example])


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_knows_every_field(maximal: Rendered, three: Rendered, version: str) -> None:
    for found in (*maximal.objects, *three.objects):
        kubernetes_validate.validate(found, version, strict=True)


def test_the_newest_kubernetes_is_among_those_validated() -> None:
    assert KUBERNETES[0].startswith("1.26")
    assert len(KUBERNETES) >= 12


def test_an_older_kubernetes_is_refused(helm: Helm) -> None:
    assert helm.try_template(THREE, args=["--kube-version", "1.26.0"]).returncode == 0
    assert "kubeVersion" in helm.try_template(THREE, args=["--kube-version", "1.25.16"]).stderr


@pytest.mark.parametrize("values", [None, *EXAMPLES.values()], ids=["defaults", *EXAMPLES])
def test_lint_has_nothing_to_say(helm: Helm, values: Path | None) -> None:
    done = helm.run("lint", "--strict", str(CHART), *(["-f", str(values)] if values else []))
    assert done.returncode == 0, done.stdout + done.stderr
    assert not re.search(r"\[(WARNING|ERROR)]", done.stdout), done.stdout


def test_values_from_the_command_line(helm: Helm) -> None:
    rendered = helm.template(
        args=[
            "--set=nodes[0].name=worker-1",
            "--set=nodes[1].name=worker-2",
            "--set=volumes[0].name=newvol",
            "--set=volumes[0].replica=2",
            "--set=volumes[0].options.performance\\.cache-size=1000000000",
            "--set=volumes[0].options.nfs\\.disable=true",
            "--set=hooks.backoffLimit=0",
            "--set=hooks.activeDeadlineSeconds=1000000",
            "--set=global.anything=goes",
        ]
    )
    assert rendered.one("Job", "*-converge")["spec"]["activeDeadlineSeconds"] == 1000000
    assert rendered.one("Job", "*-converge")["spec"]["backoffLimit"] == 0
    (volume,) = parse(yaml.safe_load(rendered.one("ConfigMap", "gluster-values")["data"]["values.yaml"])).volumes
    assert volume.options == (("nfs.disable", "on"), ("performance.cache-size", "1000000000"))


# The hook is told what the user wrote


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_hook_gets_the_values_whole(helm: Helm, tmp_path: Path, example: str) -> None:
    rendered = helm.template(EXAMPLES[example])
    config = rendered.one("ConfigMap", "gluster-values" if example != "maximal" else "storage-values")
    guarded = rendered.one("ConfigMap", "*-guard-values")
    assert guarded["data"] == config["data"]
    handed = tmp_path / "values.yaml"
    handed.write_text(config["data"]["values.yaml"])
    assert load(handed) == load(EXAMPLES[example])
    assert parse(load(handed)) == parse(load(EXAMPLES[example]))


def test_the_hook_reads_yaml_as_helm_does(helm: Helm, tmp_path: Path) -> None:
    """On a laptop the hook reads the user's file itself: it must see what it would see in the cluster."""
    file = tmp_path / "values.yaml"
    scalars = """on off yes no y n Y N true False 010 0x1F 0b11 1_000 1e6 1e3 .5 5. 1.5e3 +7 -3 1:30 12:30:45 2020-01-01
        0o17 089 1.2.3 1e 0.10 'on' "1e6" 12345678901234 1073741824 256MB none"""
    options = ", ".join(f"o.{i}: {text}" for i, text in enumerate(scalars.split()))
    file.write_text(
        f"nodes: [{{name: w, nodeSelector: &labels {{a: b}}}}]\n"
        f"volumes: [{{name: v, options: {{{options}, 1: one, 2.5: x, yes: on}}}}]\n"
        "peers: {podAnnotations: {<<: {a: b, c: d}, c: e}, resources: ~}\n"
        "hooks: {resources: {limits: {cpu: 1}}, nodeSelector: null, backoffLimit: null}\n"
        "bricks: [/mnt/a]\n"
        "global: {x: null}\n"
    )
    for path in ("peers.resources", "hooks.nodeSelector", "hooks.backoffLimit"):
        assert path.split(".")[1] not in load(file)[path.split(".")[0]], path
    done = helm.try_template(file)
    assert "missing property 'resources'" in done.stderr, "null takes the default away"
    file.write_text(
        file.read_text().replace(", resources: ~", "").replace(", nodeSelector: null, backoffLimit: null", "")
    )
    rendered = helm.template(file)
    assert yaml.safe_load(rendered.one("ConfigMap", "gluster-values")["data"]["values.yaml"]) == load(file)


@pytest.mark.parametrize("release", ["gluster", "my-gluster", "glusterfs", "storage", "x" * 53, "gluster-" + "x" * 45])
@pytest.mark.parametrize("override", [{}, {"nameOverride": "peers"}, {"fullnameOverride": "own"}], ids=str)
def test_the_hook_knows_the_names_that_the_chart_makes(helm4: Helm, release: str, override: dict[str, str]) -> None:
    rendered = helm4.template({**THREE, **override}, release=release)
    name = rendered.one("Service")["metadata"]["name"]
    assert name == fullname(merged(override), release)
    assert rendered.one("Job", "*-converge")["metadata"]["name"] == f"{name}-converge"
    assert {o["metadata"]["name"] for o in rendered.all("ConfigMap")} == {
        f"{name}-values",
        f"{name}-report",
        f"{name}-guard-values",
    }
    args = rendered.one("Job", "*-converge")["spec"]["template"]["spec"]["containers"][0]["args"]
    assert args[args.index("--fullname") + 1] == name
    assert args[args.index("--release") + 1] == release


def test_names_of_long_releases_differ(helm4: Helm) -> None:
    first, second = (helm4.template(THREE, release="x" * 52 + end) for end in "ab")
    assert not set(first.by_key()) & set(second.by_key())


# Images


def test_default_images(three: Rendered) -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    peer, hook = three.all("StatefulSet")[0], three.one("Job", "*-converge")
    assert pod_spec(peer)["containers"][0]["image"] == f"localhost/glusterfs:{chart['appVersion']}"
    assert pod_spec(hook)["containers"][0]["image"] == f"localhost/glusterfs-hooks:{chart['version']}"


def test_an_image_without_a_registry(helm4: Helm) -> None:
    rendered = helm4.template({**THREE, "image": {"registry": "", "repository": "storage/glusterfs", "tag": "x"}})
    assert pod_spec(rendered.all("StatefulSet")[0])["containers"][0]["image"] == "storage/glusterfs:x"


# Argo CD


def test_nothing_that_argo_cd_does_not_do() -> None:
    """But for one check that it goes without: whether a driver is there that these values would take away."""
    for path in (path for path in (CHART / "templates").rglob("*") if path.is_file()):
        text = path.read_text().replace('(lookup "storage.k8s.io/v1" "CSIDriver" "" $driver)', "")
        for word in (
            "lookup",
            "rand",
            "argoproj",
            ".Release.IsUpgrade",
            ".Release.IsInstall",
            ".Release.Revision",
            "now",
        ):
            assert not re.search(rf"\{{\{{[^}}]*(?<![A-Za-z-]){re.escape(word)}\b[^}}]*\}}\}}", text), (
                f"{word} in {path}"
            )
