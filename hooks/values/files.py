"""Whole values of a release, not yet checked: as the chart hands them to its Jobs, or as Helm merges them elsewhere."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hooks.values.model import ValuesError

CHART = Path(__file__).resolve().parents[2] / "charts" / "glusterfs"
TEMPLATE = "templates/hooks/configmaps.yaml"
"""The chart's template of the ConfigMap `<full name>-values`, by which it hands whole values to its Jobs."""
KEY = "values.yaml"
SUFFIX = "-values"
HELM_FLAGS = {
    "--values": "values file or URL, over the chart's own values.yaml; `-` is standard input",
    "--set": "a value, such as volumes[0].replica=3",
    "--set-string": "a value that is a string, such as nodes[0].rebuild=2024",
    "--set-file": "a value that is the content of a file",
    "--set-json": "a value as JSON",
    "--set-literal": "a value that is a string without any syntax of its own",
}
"""Flags by which `helm upgrade` takes values, and what each gives. Helm goes by their kinds, not by their order."""


@dataclass(frozen=True)
class Rendered:
    """`values` as Helm merges them; `fullname` is what the names of the release's objects begin with."""

    values: dict[str, Any]
    fullname: str


def read(path: str | Path) -> dict[str, Any]:
    """Read whole values as the chart writes them: JSON. Raises ValuesError if there are none."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ValuesError([f"{path} cannot be read: {error}."]) from error
    except json.JSONDecodeError as error:
        raise ValuesError([f"{path} is not JSON: {error}: take it from the ConfigMap `*{SUFFIX}`."]) from error
    if not isinstance(found, dict):
        raise ValuesError([f"{path} holds no map of values: take it from the ConfigMap `*{SUFFIX}`."])
    return found


def render(release: str, namespace: str, kubernetes: str, flags: Sequence[str]) -> Rendered:
    """Have Helm merge values, exactly as for `helm upgrade` with the same `flags` (see HELM_FLAGS).

    `kubernetes` is the cluster's version, such as v1.37.0: a Helm that was built without one takes the cluster for an
    old one, which the chart refuses. Helm's warnings go to standard error. Raises ValuesError with Helm's own words.
    """
    helm = shutil.which("helm")
    if not helm:
        raise ValuesError(
            ["`helm` is not on the PATH; the values are merged by it. Install Helm 3.18 or 4.2.2, or later."]
        )
    where = ["--namespace", namespace, "--kube-version", kubernetes, "--show-only", TEMPLATE]
    done = subprocess.run(
        [helm, "template", release, str(CHART), *where, *flags], capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line and not line.startswith("Use --debug")]
        raise ValuesError(["Helm does not take these values, so an upgrade would not either:", *lines])
    sys.stderr.write(done.stderr)
    manifests = [found for found in yaml.safe_load_all(done.stdout) if found]
    (config,) = (found for found in manifests if found["metadata"]["name"].endswith(SUFFIX))
    return Rendered(json.loads(config["data"][KEY]), config["metadata"]["name"].removesuffix(SUFFIX))
