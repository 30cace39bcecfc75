"""Values on a laptop: `plan` has Helm merge them, and so goes by what an upgrade with the same flags would go by."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from hooks.cli import main
from hooks.values.files import Rendered, read, render
from hooks.values.model import ValuesError
from hooks.values.parse import parse
from tests.chart.helm import EXAMPLES, Helm, working
from tests.support.values import merged

BASE = """
nodes: [{name: a}, {name: b}, {name: c}]
bricks: [/mnt/1, /mnt/2]
volumes: [{name: v, replica: 3, options: {nfs.disable: on, performance.cache-size: 1e9}}]
peers: {podAnnotations: {kept: base, changed: base}}
hooks: {backoffLimit: 5}
"""
PROD = """
volumes: [{name: w, replica: 2}]
peers: {podAnnotations: {changed: prod}}
csi: {clientResources: {requests: {cpu: null}}}
tls: {enabled: false}
"""


@pytest.fixture
def files(tmp_path: Path, helm: Helm, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with base.yaml and prod.yaml; `helm` on the PATH is the one under test."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/helm").symlink_to(helm.binary)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "prod.yaml").write_text(PROD)
    return tmp_path


def rendered(*flags: str, release: str = "gluster", kubernetes: str = "v1.37.0") -> Rendered:
    return render(release, "storage", kubernetes, flags)


def refused(*flags: str, **more: str) -> str:
    with pytest.raises(ValuesError) as error:
        rendered(*flags, **more)
    return str(error.value)


def test_a_second_file_lies_over_the_first(files: Path) -> None:
    one, two = (f"--values={files / name}" for name in ("base.yaml", "prod.yaml"))
    values = rendered(one, two).values
    assert values["volumes"] == [{"name": "w", "replica": 2}], "a list is taken as a whole"
    assert values["peers"]["podAnnotations"] == {"kept": "base", "changed": "prod"}, "maps are joined"
    assert set(values["csi"]["clientResources"]["requests"]) == {"memory"}, "null removes a default"
    assert (values["bricks"], values["hooks"]["backoffLimit"]) == (["/mnt/1", "/mnt/2"], 5), "the first file counts too"
    assert not values["tls"]["enabled"]
    assert values["statePath"] == "/var/lib/glusterd", "so do the chart's defaults"
    assert rendered(two, one).values["volumes"][0]["name"] == "v"


def test_single_values_lie_over_files(files: Path) -> None:
    (files / "word").write_text("rebuilt once")
    values = rendered(
        f"--values={files / 'base.yaml'}",
        "--set=volumes[0].replica=2,hooks.planOnly=true",
        "--set=csi.clientResources.requests.cpu=null",
        "--set-string=nodes[0].rebuild=2024",
        f"--set-file=nodes[1].rebuild={files / 'word'}",
        '--set-json=nodes[2].nodeSelector={"a":"b"}',
        "--set-literal=peers.podAnnotations.kept=x,y=z",
    ).values
    assert values["volumes"][0]["replica"] == 2
    assert values["hooks"]["planOnly"] is True
    assert "cpu" not in values["csi"]["clientResources"]["requests"]
    assert [node.get("rebuild") for node in values["nodes"]] == ["2024", "rebuilt once", None]
    assert values["nodes"][2]["nodeSelector"] == {"a": "b"}
    assert values["peers"]["podAnnotations"]["kept"] == "x,y=z"


def test_options_are_what_helm_makes_of_yaml(files: Path) -> None:
    (volume,) = parse(rendered(f"--values={files / 'base.yaml'}", "--set=tls.enabled=false").values).volumes
    assert volume.options == (("nfs.disable", "on"), ("performance.cache-size", "1000000000"))


@pytest.mark.parametrize("example", EXAMPLES)
def test_it_is_what_the_chart_hands_to_its_jobs(files: Path, helm: Helm, example: str) -> None:
    chart = helm.template(EXAMPLES[example])
    found = rendered(f"--values={EXAMPLES[example]}")
    for name in ("values", "guard-values"):
        config = chart.one("ConfigMap", f"{found.fullname}-{name}")
        handed = files / name
        handed.write_text(config["data"]["values.yaml"])
        assert read(handed) == found.values
    assert found.values == merged(yaml.safe_load(EXAMPLES[example].read_text())), "tests/support merges as Helm does"


@pytest.mark.parametrize("release", ["gluster", "my-gluster", "storage", "x" * 53, "gluster-" + "x" * 45])
@pytest.mark.parametrize("override", ["", "nameOverride=peers", "fullnameOverride=own"])
def test_the_name_of_the_release_s_objects(files: Path, helm: Helm, release: str, override: str) -> None:
    flags = [f"--values={files / 'base.yaml'}", *([f"--set={override}"] if override else [])]
    name = rendered(*flags, release=release).fullname
    chart = helm.template(args=flags, release=release)
    assert chart.one("Service")["metadata"]["name"] == name
    args = working(chart.one("Job", "*-converge"))["args"]
    assert args[args.index("--fullname") + 1] == name
    assert args[args.index("--release") + 1] == release
    assert {o["metadata"]["name"] for o in chart.all("ConfigMap")} == {
        f"{name}-values",
        f"{name}-report",
        f"{name}-guard-values",
    }


# What goes wrong


def test_what_the_chart_refuses_is_said_in_its_words(files: Path) -> None:
    text = refused(f"--values={files / 'base.yaml'}", "--set=volumes[0].replica=4")
    assert text.startswith("Helm does not take these values, so an upgrade would not either:\n")
    assert "\n- volumes[0] (v): replica 4 needs 4 bricks on different nodes, but nodes a, b and c give 3" in text
    assert "--debug" not in text, "a flag that `plan` does not have"


@pytest.mark.parametrize(
    ("flag", "says"),
    [
        ("--set=voluems=x", "additional properties 'voluems' not allowed"),
        ("--set=hooks.backoffLimit=many", "at '/hooks/backoffLimit': got string, want integer"),
        ("--set=novalue", 'failed parsing --set data: key "novalue" has no value'),
        ("--values=/nowhere.yaml", "open /nowhere.yaml: no such file or directory"),
        ("--set-file=tls.existingSecret=/nowhere", "open /nowhere: no such file or directory"),
    ],
)
def test_what_helm_cannot_use_is_said_in_its_words(files: Path, flag: str, says: str) -> None:
    assert says in refused(f"--values={files / 'base.yaml'}", flag)


def test_a_file_that_is_no_yaml(files: Path) -> None:
    (files / "bad.yaml").write_text("nodes: [\n")
    text = refused(f"--values={files / 'bad.yaml'}")
    assert f"failed to parse {files / 'bad.yaml'}" in text
    assert "line 1" in text


def test_an_old_kubernetes_is_refused_as_by_an_upgrade(files: Path) -> None:
    text = refused(f"--values={files / 'base.yaml'}", kubernetes="v1.25.16")
    assert "chart requires kubeVersion: >=1.26.0-0 which is incompatible with Kubernetes v1.25.16" in text


@pytest.mark.parametrize("kubernetes", ["v1.31.4-gke.100", "v1.30.1+k3s1", "v1.28.15-eks-7f9249a"])
def test_versions_as_distributions_write_them(files: Path, kubernetes: str) -> None:
    assert rendered(f"--values={files / 'base.yaml'}", kubernetes=kubernetes).fullname == "gluster"


def test_without_helm(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(files))
    assert refused() == "`helm` is not on the PATH; the values are merged by it. Install Helm 3.18 or 4.2.2, or later."


# The command


@pytest.fixture
def asked(files: Path) -> Iterator[list[str]]:
    """Paths that the API server of the file `kubeconfig` was asked for; it has not one object of the release."""
    paths: list[str] = []

    class Empty(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            paths.append(path)
            there = not path.startswith("/api/v1/namespaces/storage/configmaps/")
            body = json.dumps({"gitVersion": "v1.37.0", "items": [], "message": "not found"}).encode()
            self.send_response(200 if there else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Empty) as server:
        here: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "x", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
            "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
            "users": [{"name": "x", "user": {}}],
            "current-context": "x",
        }
        (files / "kubeconfig").write_text(json.dumps(here))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield paths
        server.shutdown()
        thread.join()


def test_the_command_takes_helm_s_flags(files: Path, asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    two = ["-f", str(files / "base.yaml"), "--values", str(files / "prod.yaml")]
    more = ["--set", "volumes[0].replica=3,fullnameOverride=own", "--set-string", "peers.podAnnotations.year=2024"]
    code = main(["plan", "-n", "storage", "--kubeconfig", str(files / "kubeconfig"), *two, *more])
    printed = capsys.readouterr().out
    assert code == 2, printed
    assert "gluster volume create w replica 3 " in printed
    assert "volume create v " not in printed
    assert "/api/v1/namespaces/storage/configmaps/own-report" in asked


def test_the_command_refuses_bad_values(files: Path, asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    bad = ["-f", str(files / "base.yaml"), "--set", "volumes[0].replica=4"]
    assert main(["plan", "-n", "storage", "--kubeconfig", str(files / "kubeconfig"), *bad]) == 1
    assert "- volumes[0] (v): replica 4 needs 4 bricks" in capsys.readouterr().out
    assert asked == ["/version/"]
