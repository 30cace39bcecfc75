"""The notes that Helm prints after an install."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tests.chart.helm import CHART, EXAMPLES, THREE, Helm


def notes(helm: Helm, tmp_path: Path, values: dict[str, Any]) -> str:
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    done = helm.run("install", "gluster", str(CHART), "--dry-run=client", "-n", "storage", "-f", str(file))
    assert done.returncode == 0, done.stderr
    return done.stdout.split("NOTES:")[1]


def test_notes_name_the_risks(helm4: Helm, tmp_path: Path) -> None:
    volumes = [
        {"name": "mirror", "replica": 2},
        {"name": "scratch"},
        {"name": "safe", "replica": 3},
        {"name": "cheap", "replica": 2, "arbiter": 1},
        {"name": "code", "disperse": 3, "redundancy": 1},
    ]
    warnings = re.findall(r"WARNING: (\S+) (.*)", notes(helm4, tmp_path, {**THREE, "volumes": volumes}))
    assert [name for name, _ in warnings] == ["mirror", "scratch"]


def test_notes_give_commands_for_objects_that_are_there(helm4: Helm, tmp_path: Path) -> None:
    values = yaml.safe_load(EXAMPLES["maximal"].read_text())
    assert "newvol in namespace default: all of newvol" in notes(helm4, tmp_path, values)
    for volume in values["volumes"]:
        volume.pop("claims", None)
    text = notes(helm4, tmp_path, values)
    names = set(helm4.template(values).by_key())
    for kind, pattern in {
        "Job": r"job/(\S+)",
        "ConfigMap": r"configmap (\S+)",
        "StatefulSet": r"exec (\S+)-0 ",
    }.items():
        found = re.findall(pattern, text)
        assert found
        assert {(kind, name) for name in found} <= names
    assert "mount -t glusterfs storage.storage.svc:/newvol" in text
    assert "/srv/glusterd" in text
