"""What the chart makes of values, under both Helms."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from hooks.values.parse import parse
from tests.chart.helm import CHART, EXAMPLES, THREE, Helm, Rendered, pod_spec, working

KUBERNETES = [v for v in dict.fromkeys(kubernetes_validate.utils.all_versions()) if v != "1.25.0"]


# Both Helms, every Kubernetes


@pytest.mark.parametrize("example", EXAMPLES)
def test_both_helms_make_the_same_of_an_example(helm: Helm, helm4: Helm, example: str) -> None:
    assert helm.template(EXAMPLES[example]) == helm4.template(EXAMPLES[example])


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_knows_every_field(maximal: Rendered, three: Rendered, version: str) -> None:
    for found in (*maximal.objects, *three.objects):
        kubernetes_validate.validate(found, version, strict=True)


def test_every_kubernetes_from_the_oldest_to_that_of_the_test_bed_is_validated() -> None:
    newest = tomllib.loads((CHART.parents[1] / "testbed" / "versions.toml").read_text())["kubernetes"]
    minors = [int(version.split(".")[1]) for version in KUBERNETES]
    assert minors == list(range(26, int(newest.split(".")[1]) + 1))


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


# Names


def test_names_of_long_releases_differ(helm4: Helm) -> None:
    first, second = (helm4.template(THREE, release="x" * 52 + end) for end in "ab")
    assert not set(first.by_key()) & set(second.by_key())


# Images


def test_default_images(three: Rendered) -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    peer, job = three.all("StatefulSet")[0], three.one("Job", "*-converge")
    assert pod_spec(peer)["containers"][0]["image"] == f"localhost/glusterfs:{chart['appVersion']}"
    for container in (working(job), *pod_spec(job)["containers"]):
        assert container["image"] == f"localhost/glusterfs-hooks:{chart['version']}"


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
