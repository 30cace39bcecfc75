"""The helm binaries under test, and what they make of the chart."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[2] / "charts" / "glusterfs"
EXAMPLES = {path.stem: path for path in sorted((CHART / "examples").glob("*.yaml"))}
THREE = {"nodes": [{"name": "worker-1"}, {"name": "worker-2"}, {"name": "worker-3"}]}

Object = dict[str, Any]
Values = Path | Mapping[str, Any]


@dataclass(frozen=True)
class Rendered:
    """The objects of a release."""

    objects: tuple[Object, ...]

    def one(self, kind: str, name: str = "*") -> Object:
        """The only object of a kind whose name fits the pattern."""
        (found,) = [o for o in self.all(kind) if fnmatchcase(o["metadata"]["name"], name)]
        return found

    def all(self, kind: str) -> list[Object]:
        return [o for o in self.objects if o["kind"] == kind]

    def by_key(self) -> dict[tuple[str, str], Object]:
        return {(o["kind"], o["metadata"]["name"]): o for o in self.objects}


def pod_spec(workload: Object) -> Any:
    """The spec of the pods that a workload makes, whatever its kind."""
    return workload["spec"].get("jobTemplate", workload)["spec"]["template"]["spec"]


def working(job: Object) -> Any:
    """The container of a Job that does its work."""
    spec = pod_spec(job)
    (container,) = spec.get("initContainers") or spec["containers"]
    return container


@dataclass(frozen=True)
class Helm:
    """One helm binary."""

    binary: str

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self.binary, *args], capture_output=True, text=True, check=False, timeout=60)

    def try_template(
        self, *values: Values, release: str = "gluster", chart: Path = CHART, args: Sequence[str] = ()
    ) -> subprocess.CompletedProcess[str]:
        """`helm template` with values files, or values as data. A helm built from source thinks it faces 1.20."""
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for i, value in enumerate(values):
                if isinstance(value, Path):
                    path = value
                else:
                    path = Path(folder) / f"{i}.json"
                    path.write_text(json.dumps(value))
                files += ["-f", str(path)]
            kube = [] if "--kube-version" in args else ["--kube-version", "1.37.0"]
            return self.run("template", release, str(chart), "--namespace", "storage", *kube, *files, *args)

    def template(
        self, *values: Values, release: str = "gluster", chart: Path = CHART, args: Sequence[str] = ()
    ) -> Rendered:
        """As `try_template`, its objects; fails where helm refuses."""
        done = self.try_template(*values, release=release, chart=chart, args=args)
        assert done.returncode == 0, done.stderr
        return Rendered(tuple(o for o in yaml.safe_load_all(done.stdout) if o))


@cache
def find(name: str) -> Helm:
    """The binary `helm` (Helm 4) or `helm3`: from the environment's HELM or HELM3, else out of the test bed's tools."""
    own = os.environ.get(name.upper())
    found = shutil.which(own) if own else _tools(name)
    if not found:
        raise RuntimeError(
            f"There is no {name} to test the chart with: `{own or 'python -m testbed tools'}` gives none. "
            f"Set {name.upper()} to the binary's path, or make `python -m testbed tools` work."
        )
    helm = Helm(found)
    version = helm.run("version", "--template", "{{.Version}}").stdout.strip()
    wanted = "v3." if name == "helm3" else "v4."
    if not version.startswith(wanted):
        raise RuntimeError(f"{found} is Helm {version or 'of no version'}: set {name.upper()} to a Helm {wanted}x.")
    return helm


def _tools(name: str) -> str | None:
    done = subprocess.run(
        [sys.executable, "-m", "testbed", "tools"],
        cwd=CHART.parents[1],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=1200,
    )
    folder = done.stdout.strip().splitlines()[-1:] if done.returncode == 0 else []
    return shutil.which(str(Path(folder[0]) / name)) if folder else None
